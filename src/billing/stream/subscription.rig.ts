import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect } from 'vitest';
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
import { TypeFilter } from './type-filter.js';

export const TENANT = 'e7a1c9d0-0000-4000-8000-000000000001';

export const entryOf = (n: number, bytes = 0): LogEntry => ({
  id: `${n * 10}-0`,
  tenantSequence: n,
  tenantId: TENANT,
  type: 'invoice.paid',
  eventId: `evt_${n}`,
  createdS: 1,
  objectId: '',
  data: bytes > 0 ? `{"n":${n},"pad":"${'x'.repeat(bytes)}"}` : `{"n":${n}}`,
  stale: false,
  replayed: false,
});

/** More than any test has a reason for. */
const MOST_PAGES = 500;

/** A log in memory behind the real hub, rings and connections: what the reader has told is up to the test. */
export class Rig {
  readonly clock = new ManualClock();
  readonly metrics = new Metrics();
  readonly entries: LogEntry[] = [];
  sequence = 0;
  /** Of each event, beside what it needs. */
  bytes = 0;
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
      if (this.pages > MOST_PAGES) return Promise.reject(new Error('It asks without end'));
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
    for (let n = from; n <= to; n += 1) this.entries.push(entryOf(n, this.bytes));
    this.sequence = to;
  }

  /** The reader tells them. */
  read(from: number, to: number): void {
    const before = this.position;
    this.position = `${to * 10}-0`;
    const entries = Array.from({ length: to - from + 1 }, (_, at) => entryOf(from + at, this.bytes));
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

interface OpenOptions {
  /** As the query has it. */
  readonly types?: string;
  /** The client takes nothing. */
  readonly paused?: boolean;
}

/** Streams over real connections; used within a `describe`. */
export function streamServer() {
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

  return async function open(rig: Rig, startAt: StartAt, { types, paused = false }: OpenOptions = {}) {
    let text = '';
    let answer: IncomingMessage | undefined;
    const { port } = server.address() as AddressInfo;
    const arrived = once(server, 'request');
    const request = get({ port, agent: false }, (head) => {
      answer = head;
      head.setEncoding('utf8').on('data', (data: string) => (text += data));
      head.on('error', () => undefined);
      if (paused) head.pause();
    });
    request.on('error', () => undefined);
    await arrived;
    const socket = await StreamSocket.open(responses.pop() as ServerResponse, {}, rig.clock);
    if (!socket) throw new Error('The client has left');
    const channel = rig.subscriptions.channelOf(TENANT);
    await rig.subscriptions.prepare(channel);
    const { clock } = rig;
    const filter = TypeFilter.parse(types);
    const subscription = rig.subscriptions.create({
      channel,
      socket,
      clock,
      filter,
      maxPendingBytes: 1 << 20,
    });
    subscription.start(startAt);
    const seen = async (pattern: RegExp | string) => {
      await expect.poll(() => text, { timeout: 10_000 }).toMatch(pattern);
      return text;
    };
    const numbers = () => [...text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n));
    const resume = () => answer?.resume();
    return { subscription, socket, seen, numbers, resume, text: () => text };
  };
}

export const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);
