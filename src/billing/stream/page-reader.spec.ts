import { describe, expect, it } from 'vitest';
import { type EntryId, compareEntryIds } from '../log/entry-id.js';
import type { EventLog, PageOptions } from '../log/event-log.js';
import type { LogEntry } from '../log/log-entry.js';
import { Channel } from './channel.js';
import { EncodedBatches } from './encoded-batches.js';
import type { LogReader } from './log-reader.js';
import { PageReader } from './page-reader.js';

describe('PageReader', () => {
  it('asks once for all that stand at one place, eight questions at a time', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const log = {
      tenantPage: (tenantId: string, { after }: PageOptions) => {
        asked.push(`${tenantId} ${after}`);
        return new Promise((resolve) => answers.push(() => resolve([])));
      },
    } as unknown as EventLog;
    const pages = new PageReader(log, { position: '9-0' } as unknown as LogReader);
    const same = Array.from({ length: 100 }, () => pages.after(channelOf('t'), '1-0'));
    const others = Array.from({ length: 20 }, (_, n) => pages.after(channelOf(`u${n}`), '1-0'));
    await expect.poll(() => asked.length).toBe(8);
    let given = 0;
    while (given < 21) {
      await expect.poll(() => answers.length).toBeGreaterThan(given);
      expect(asked.length - given).toBeLessThanOrEqual(8);
      answers[given]?.();
      given += 1;
    }
    const results = await Promise.all([...same, ...others]);
    expect([
      asked.length,
      results.every(({ slices, upTo }) => slices.length === 0 && upTo === '9-0'),
    ]).toEqual([21, true]);
  });

  it('gives those that stand at one place the same Buffers, in slices that a client can leave', async () => {
    const pages = new PageReader(logOf(40, 8000), { position: '40-0' } as unknown as LogReader);
    const channel = channelOf('t');
    const [one, two] = await Promise.all([pages.after(channel, '0-0'), pages.after(channel, '0-0')]);
    const chunks = one.slices.map((slice) => slice.encode(undefined));
    expect(chunks.length).toBeGreaterThan(4);
    expect(two.slices.every((slice, at) => slice.encode(undefined) === chunks[at])).toBe(true);
    expect(chunks.every((chunk) => (chunk?.plain.length ?? 0) <= 64 * 1024)).toBe(true);
  });

  it('asks for as many events as fit into a page, by those that it has seen', async () => {
    const counts: number[] = [];
    const pages = new PageReader(logOf(900, 8000, counts), { position: '900-0' } as unknown as LogReader);
    const channel = channelOf('t');
    let upTo: EntryId = '0-0';
    for (let n = 0; n < 3; n += 1) ({ upTo } = await pages.after(channel, upTo));
    expect(counts).toEqual([64, 33, 33]);
    expect(upTo).toBe('130-0');
    expect((await pages.after(channelOf('u'), '0-0')).slices.length).toBe(0);
  });

  it('says how far it has looked where a page is full of somebody else’s events', async () => {
    const pages = new PageReader(logOf(200, 10), { position: '150-0' } as unknown as LogReader);
    const channel = channelOf('u');
    expect(await pages.after(channel, '0-0')).toEqual({ slices: [], upTo: '64-0' });
    expect(await pages.after(channel, '100-0')).toEqual({ slices: [], upTo: '150-0' });
  });
});

/** A stream of the tenant `t`, whoever asks. */
function logOf(events: number, bytes: number, counts: number[] = []): EventLog {
  const entries = Array.from({ length: events }, (_, at): LogEntry => {
    const data = `{"x":"${'x'.repeat(bytes)}"}`;
    const name = { tenantId: 't', type: 'invoice.paid', eventId: `evt_${at}`, objectId: '' };
    return {
      id: `${at + 1}-0`,
      tenantSequence: at + 1,
      createdS: 1,
      data,
      stale: false,
      replayed: false,
      ...name,
    };
  });
  return {
    tenantPage: (_tenant: string, { after = '0-0', count }: PageOptions) => {
      counts.push(count);
      return Promise.resolve(entries.filter(({ id }) => compareEntryIds(id, after) > 0).slice(0, count));
    },
  } as unknown as EventLog;
}

function channelOf(tenantId: string): Channel {
  return new Channel(tenantId, 10, new EncodedBatches());
}
