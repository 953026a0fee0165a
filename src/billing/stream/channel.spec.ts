import { describe, expect, it } from 'vitest';
import type { EntryId } from '../log/entry-id.js';
import type { LogEntry } from '../log/log-entry.js';
import { Channel, type Listener } from './channel.js';
import { Channels } from './channels.js';
import { EncodedBatches } from './encoded-batches.js';
import type { BillingStreamSettings } from './stream.config.js';
import { TypeFilter } from './type-filter.js';

const entry = (ms: number, tenantSequence: number, more: Partial<LogEntry> = {}): LogEntry => ({
  id: `${ms}-0`,
  tenantSequence,
  tenantId: 't',
  type: 'invoice.paid',
  eventId: 'evt_1',
  createdS: 1,
  objectId: '',
  data: '{}',
  stale: false,
  replayed: false,
  ...more,
});
const textOf = (channel: Channel, from = channel.ring.first, filter?: TypeFilter) =>
  channel.encode(from, channel.ring.end, filter)?.plain.toString() ?? '';
const channelOf = (tenantId: string, most: number) => new Channel(tenantId, most, new EncodedBatches());
const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);

describe('Channel', () => {
  it('begins where the log had been read to when the first event came', () => {
    const channel = channelOf('t', 10);
    channel.append(entry(50, 4), '40-0');
    expect(channel.ring.base).toEqual({ entryId: '40-0', sequence: 3 });
    expect([channel.ring.indexAfter('40-0'), channel.ring.indexAfter('39-0')]).toEqual([0, undefined]);
  });

  it('passes over what was there already when somebody looked where the tenant stands', () => {
    const channel = channelOf('t', 10);
    channel.ring.base = { entryId: '60-0', sequence: 5 };
    channel.append(entry(50, 4), '40-0');
    channel.append(entry(60, 5), '50-0');
    channel.append(entry(70, 6), '60-0');
    expect(idsIn(textOf(channel))).toEqual(['70-0.6']);
    expect(textOf(channel)).not.toContain('gap');
  });

  it('says before an event exactly how many are missing, whatever a client filters', () => {
    const channel = channelOf('t', 10);
    channel.append(entry(50, 4), '40-0');
    channel.append(entry(90, 12), '50-0');
    const gap = 'event: gap\ndata: {"reason":"trimmed","from":"50-0.4","oldest":"90-0.12","missed":7}\n\n';
    expect(textOf(channel, 1)).toMatch(new RegExp(`^${gap.replaceAll(/[.{}]/g, '\\$&')}id: 90-0\\.12`));
    expect(textOf(channel, 1, TypeFilter.parse('customer.*'))).toBe(gap);
  });

  it('says that the log began anew where the numbers do, and who is told goes on', () => {
    const channel = channelOf('t', 10);
    channel.append(entry(50, 4), '40-0');
    const end = channel.ring.end;
    channel.append(entry(90, 1), '50-0');
    expect(textOf(channel, end)).toMatch(/^event: gap\ndata: \{"reason":"reset"\}\n\nid: 90-0\.1/);
    expect([channel.ring.first, channel.ring.base]).toEqual([end, { entryId: '50-0', sequence: 0 }]);
  });

  it('tells everybody who listens when the log is another one, and knows nothing of it', () => {
    const channel = channelOf('t', 10);
    channel.append(entry(50, 4), '40-0');
    const told: string[] = [];
    const listener: Listener = {
      next: 1,
      deliver: () => undefined,
      tell: (frame) => void told.push(frame.toString()),
    };
    channel.live.add(listener);
    channel.reset();
    expect(told).toEqual(['event: gap\ndata: {"reason":"reset"}\n\n']);
    expect([channel.ring.last, channel.ring.end]).toEqual([undefined, 1]);
  });

  it('encodes a batch once for all clients that stand at one place and let the same through', () => {
    const channel = channelOf('t', 10);
    channel.append(entry(50, 1), '0-0');
    channel.append(entry(60, 2, { type: 'customer.created' }), '50-0');
    expect(channel.encode(0, 2, undefined)).toBe(channel.encode(0, 2, undefined));
    const some = channel.encode(0, 2, TypeFilter.parse('customer.*'));
    expect(some).toBe(channel.encode(0, 2, TypeFilter.parse('customer.*')));
    expect([some?.events, channel.encode(0, 2, undefined)?.events]).toEqual([1, 2]);
    expect(channel.encode(0, 1, TypeFilter.parse('customer.*'))).toBeUndefined();
  });
});

describe('Channels', () => {
  const settings = { ringEvents: 100, ringBytes: 20_000 } as BillingStreamSettings;
  const append = (channels: Channels, tenantId: string, n: number) => {
    const channel = channels.of(tenantId);
    const before: EntryId = `${n - 1}-0`;
    const data = `{"x":"${'x'.repeat(700)}"}`;
    channels.change(channel, () => channel.append(entry(n, n, { tenantId, data }), before));
  };

  it('keep to their bytes: who was quiet for longest loses first, and who has nothing left is forgotten', () => {
    const channels = new Channels(settings);
    for (let n = 1; n <= 10; n += 1) append(channels, 'quiet', n);
    for (let n = 1; n <= 15; n += 1) append(channels, 'busy', n);
    expect(channels.ringBytes).toBeLessThanOrEqual(20_000);
    expect([channels.of('busy').ring.size, channels.of('quiet').ring.size]).toEqual([15, 6]);
    for (let n = 16; n <= 25; n += 1) append(channels, 'busy', n);
    expect(channels.size).toBe(1);
    expect(channels.of('busy').ring.bytes).toBe(channels.ringBytes);
  });

  it('keep what a stream is open on, with its base', () => {
    const channels = new Channels(settings);
    append(channels, 'quiet', 1);
    const quiet = channels.of('quiet');
    quiet.streams += 1;
    for (let n = 1; n <= 30; n += 1) append(channels, 'busy', n);
    expect([channels.of('quiet'), quiet.ring.size, quiet.ring.last?.sequence]).toEqual([quiet, 0, 1]);
    channels.release(quiet);
    expect(channels.of('quiet')).not.toBe(quiet);
  });

  it('look at nobody who has nothing left, however many streams wait there', () => {
    const channels = new Channels(settings);
    let looked = 0;
    for (let n = 1; n <= 500; n += 1) {
      append(channels, `quiet${n}`, 1);
      const quiet = channels.of(`quiet${n}`);
      quiet.streams += 1;
    }
    for (let n = 1; n <= 30; n += 1) append(channels, 'busy', n);
    for (let n = 1; n <= 500; n += 1) {
      const { ring } = channels.of(`quiet${n}`);
      expect(ring.size).toBe(0);
      const look = () => {
        looked += 1;
        return 0;
      };
      Object.defineProperty(ring, 'size', { get: look });
    }
    for (let n = 31; n <= 60; n += 1) append(channels, 'busy', n);
    expect([looked, channels.ringBytes <= 20_000, channels.size]).toEqual([0, true, 501]);
  });

  it('survive twenty thousand tenants', () => {
    const channels = new Channels(settings);
    for (let n = 1; n <= 20_000; n += 1) append(channels, `t${n}`, 1);
    expect(channels.size).toBeLessThan(30);
    expect(channels.ringBytes).toBeLessThanOrEqual(20_000);
  });
});
