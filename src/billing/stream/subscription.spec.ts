import { once } from 'node:events';
import { type Server, type ServerResponse, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { RedisUnavailableError } from '../../redis/index.js';
import { Metrics } from '../../telemetry/index.js';
import { type EntryId, compareEntryIds } from '../log/entry-id.js';
import type { EventLog } from '../log/event-log.js';
import type { LogEntry } from '../log/log-entry.js';
import { AwaitedEntries } from './awaited-entries.js';
import { Channels } from './channels.js';
import { Hub } from './hub.js';
import type { LogListener, LogReader } from './log-reader.js';
import { PageReader } from './page-reader.js';
import type { BillingStreamSettings } from './stream.config.js';
import { StreamMetrics } from './stream-metrics.js';
import { StreamSocket } from './stream-socket.js';
import { Subscriptions } from './subscriptions.js';
import type { StartAt } from './subscription.js';

const TENANT = 'e7a1c9d0-0000-4000-8000-000000000001';

const entryOf = (n: number): LogEntry => ({
  id: `${n * 10}-0`,
  tenantSequence: n,
  tenantId: TENANT,
  type: 'invoice.paid',
  eventId: `evt_${n}`,
  createdS: 1,
  objectId: '',
  data: `{"n":${n}}`,
  stale: false,
  replayed: false,
});

/** A log in memory behind the real hub, rings and connections: what the reader has told is up to the test. */
class Rig {
  readonly clock = new ManualClock();
  readonly metrics = new Metrics();
  readonly entries: LogEntry[] = [];
  sequence = 0;
  away = false;
  pages = 0;
  position: EntryId = '0-0';
  private listener: LogListener | undefined;
  private readonly log = {
    tenantPosition: () =>
      Promise.resolve({
        sequence: this.sequence,
        ...(this.entries.length > 0 && { newest: this.cursorOf(this.entries.at(-1)?.tenantSequence ?? 0) }),
      }),
    tenantPage: (_tenant: string, { after = '0-0', count }: { after?: EntryId; count: number }) => {
      this.pages += 1;
      if (this.away) return Promise.reject(unavailable);
      return Promise.resolve(this.entries.filter(({ id }) => compareEntryIds(id, after) > 0).slice(0, count));
    },
  } as unknown as EventLog;
  private readonly reader = (() => {
    const position = () => this.position;
    return {
      get position() {
        return position();
      },
      listen: (listener: LogListener) => (this.listener = listener),
    } as unknown as LogReader;
  })();
  readonly channels: Channels;
  readonly subscriptions: Subscriptions;

  constructor(ringEvents = 2048, slice = 64) {
    const settings = { ringEvents, ringBytes: 1e9, slice } as BillingStreamSettings;
    this.channels = new Channels(settings);
    const hub = new Hub(this.reader, this.channels, settings, new AwaitedEntries(this.clock));
    const pages = new PageReader(this.log, this.reader);
    this.subscriptions = new Subscriptions(this.channels, hub, pages, new StreamMetrics(this.metrics));
  }

  cursorOf(n: number) {
    return { entryId: `${n * 10}-0`, sequence: n } as const;
  }

  /** Redis has them. */
  append(from: number, to: number): void {
    for (let n = from; n <= to; n += 1) this.entries.push(entryOf(n));
    this.sequence = to;
  }

  /** The reader tells them. */
  read(from: number, to: number): void {
    const before = this.position;
    this.position = `${to * 10}-0`;
    const entries = Array.from({ length: to - from + 1 }, (_, at) => entryOf(from + at));
    this.listener?.entries({ before, entries });
  }

  both(from: number, to: number): void {
    this.append(from, to);
    this.read(from, to);
  }

  async resumes(source: string, result: string): Promise<number> {
    const { values } = await this.metrics.billingSseResumes.get();
    return values.find(({ labels }) => labels.source === source && labels.result === result)?.value ?? 0;
  }
}

const unavailable = new RedisUnavailableError({
  purpose: 'billingEvents',
  reason: 'refused',
  retryAfterMs: 1,
  maybeExecuted: false,
});

describe('Subscription', () => {
  let server: Server;
  const responses: ServerResponse[] = [];
  beforeEach(async () => {
    server = createServer((_request, response) => void responses.push(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Opens a stream over a real connection. */
  async function open(rig: Rig, startAt: StartAt) {
    let text = '';
    const { port } = server.address() as AddressInfo;
    const arrived = once(server, 'request');
    const request = get({ port, agent: false }, (answer) => {
      answer.setEncoding('utf8').on('data', (data: string) => (text += data));
      answer.on('error', () => undefined);
    });
    request.on('error', () => undefined);
    await arrived;
    const socket = await StreamSocket.open(responses.pop() as ServerResponse, {}, rig.clock);
    if (!socket) throw new Error('The client has left');
    const channel = rig.subscriptions.channelOf(TENANT);
    await rig.subscriptions.prepare(channel);
    const { clock } = rig;
    const subscription = rig.subscriptions.create({
      channel,
      socket,
      clock,
      filter: undefined,
      maxPendingBytes: 1 << 20,
    });
    subscription.start(startAt);
    const seen = async (pattern: RegExp | string) => {
      await expect.poll(() => text, { timeout: 10_000 }).toMatch(pattern);
      return text;
    };
    const numbers = () => [...text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n));
    return { subscription, seen, numbers, text: () => text };
  }
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

  it('takes what it missed from the ring in the turn in which it comes', async () => {
    const rig = new Rig();
    rig.both(1, 10);
    const { seen, numbers } = await open(rig, rig.cursorOf(4));
    rig.both(11, 12);
    await seen('"n":12');
    expect([numbers(), rig.pages]).toEqual([range(5, 12), 0]);
    expect(await rig.resumes('ring', 'exact')).toBe(1);
  });

  it('reads pages no further than the reader has come, and the rest from the ring: no gap, nothing twice', async () => {
    const rig = new Rig(8);
    rig.both(1, 1200);
    // Redis is ahead of the reader all the time.
    rig.append(1201, 1210);
    const { seen, numbers, text } = await open(rig, rig.cursorOf(3));
    await seen('"n":1200');
    rig.read(1201, 1210);
    rig.both(1211, 1215);
    await seen('"n":1215');
    expect(numbers()).toEqual(range(4, 1215));
    expect(text()).not.toContain('event: gap');
    expect(await rig.resumes('redis', 'exact')).toBe(1);
  });

  it('falls back to pages where the ring has moved on before its turn came', async () => {
    const rig = new Rig(10, 1);
    rig.both(1, 2);
    const streams = [await open(rig, 'now'), await open(rig, 'now'), await open(rig, 'now')];
    rig.append(3, 63);
    // All in one turn: the first is given its part at once, and the others wait for theirs.
    for (let n = 3; n <= 60; n += 3) rig.read(n, n + 2);
    rig.read(63, 63);
    for (const { seen, numbers } of streams) {
      await seen('"n":63');
      expect(numbers()).toEqual(range(3, 63));
    }
    expect(rig.pages).toBeGreaterThan(0);
  });

  it('waits for a reader that is behind its client, and tells nothing twice', async () => {
    const rig = new Rig();
    rig.both(1, 5);
    rig.append(6, 8);
    const { seen, numbers, text } = await open(rig, rig.cursorOf(7));
    rig.clock.advance(4999);
    rig.read(6, 8);
    await seen('"n":8');
    expect([numbers(), text().includes('gap')]).toEqual([[8], false]);
    expect(await rig.resumes('ahead', 'exact')).toBe(1);
  });

  it('tells a client that nobody catches up with after five seconds, and goes on from here', async () => {
    const rig = new Rig();
    rig.both(1, 5);
    const { seen, numbers } = await open(rig, { entryId: '999-0', sequence: 99 });
    rig.clock.advance(5000);
    await seen(/event: gap\ndata: \{"reason":"unknown"\}\n\nid: 50-0\.5\n\n/);
    rig.both(6, 6);
    await seen('"n":6');
    expect(numbers()).toEqual([6]);
    expect(await rig.resumes('ahead', 'gap')).toBe(1);
  });

  it('says exactly what is missing where a page begins later, or where there is nothing left', async () => {
    const rig = new Rig(4);
    rig.both(1, 40);
    rig.entries.splice(0, 30);
    const some = await open(rig, rig.cursorOf(12));
    await some.seen('"n":40');
    expect(some.text()).toContain(
      'data: {"reason":"trimmed","from":"120-0.12","oldest":"310-0.31","missed":18}',
    );
    expect(some.numbers()).toEqual(range(31, 40));

    const empty = new Rig(4);
    empty.sequence = 40;
    empty.position = '400-0';
    const none = await open(empty, empty.cursorOf(12));
    expect(await none.seen('"missed":28')).toContain('"oldest":null');
  });

  it('takes a cursor of somebody else as a place and nothing more', async () => {
    const rig = new Rig();
    rig.both(1, 10);
    const { seen, numbers } = await open(rig, { entryId: '65-0', sequence: 4000 });
    await seen('"n":10');
    expect(numbers()).toEqual(range(7, 10));
    expect(await seen('gap')).toContain('{"reason":"unknown"}');
  });

  it('stays open while pages cannot be read, and goes on when they can', async () => {
    const rig = new Rig(4);
    rig.both(1, 40);
    rig.away = true;
    const { seen, numbers } = await open(rig, rig.cursorOf(2));
    await expect.poll(() => rig.pages).toBe(1);
    rig.away = false;
    rig.both(41, 44);
    await expect
      .poll(() => {
        rig.clock.advance(1000);
        return rig.pages;
      })
      .toBeGreaterThan(1);
    await seen('"n":44');
    expect(numbers()).toEqual(range(3, 44));
  });

  it('ends with a word, once, whoever says so afterwards', async () => {
    const rig = new Rig();
    const { subscription, seen, text } = await open(rig, 'now');
    subscription.end('expired');
    subscription.end('drain');
    subscription.closed();
    await seen(/bye/);
    rig.both(1, 3);
    expect(text().match(/bye/g)).toHaveLength(1);
    expect(text()).toContain('{"reason":"expired"}');
    const closed = (await rig.metrics.billingSseClosed.get()).values.filter(({ value }) => value > 0);
    expect(closed.map(({ labels }) => labels.reason)).toEqual(['expired']);
  });
});
