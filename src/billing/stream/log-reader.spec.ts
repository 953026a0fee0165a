import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { type BlockingRedis, RedisUnavailableError } from '../../redis/index.js';
import { Metrics } from '../../telemetry/index.js';
import type { EntryId } from '../log/entry-id.js';
import type { EventLog } from '../log/event-log.js';
import type { LogEntry } from '../log/log-entry.js';
import { LogReader } from './log-reader.js';

type Reply = readonly [string, string][] | null | Error;

const away = new RedisUnavailableError({
  purpose: 'billingEvents',
  reason: 'reset',
  retryAfterMs: 1,
  maybeExecuted: false,
});

/** A reader whose reads are answered by the test; `asked` are the ids that it has read from. */
function rig(firstTail: EntryId = '5-0') {
  const clock = new ManualClock();
  const state = { tail: firstTail as EntryId | Error, tails: 0 };
  const asked: string[] = [];
  let answer: ((reply: Reply) => void) | undefined;
  const redis = {
    cancellable: (signal: AbortSignal, read: () => Promise<unknown>) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
        read().then(resolve, reject);
      }),
    xreadBuffer: (...args: unknown[]) => {
      asked.push(String(args.at(-1)));
      return new Promise((resolve, reject) => {
        answer = (reply) => {
          if (reply instanceof Error) return reject(reply);
          const rows = reply?.map(([id, n]) => [Buffer.from(id), [Buffer.from(n)]]);
          resolve(rows ? [[Buffer.from('log'), rows]] : null);
        };
      });
    },
  } as unknown as BlockingRedis<'billingEvents'>;
  const log = {
    tail: () => {
      state.tails += 1;
      return state.tail instanceof Error ? Promise.reject(state.tail) : Promise.resolve(state.tail);
    },
    parseFields: (id: Buffer, [n]: Buffer[]): LogEntry | undefined =>
      String(n) === 'foreign' ? undefined : ({ id: String(id), eventId: String(n) } as unknown as LogEntry),
  } as unknown as EventLog;
  const reader = new LogReader(redis, log, new Metrics(), clock);
  const told: string[] = [];
  reader.listen({
    entries: ({ before, entries }) =>
      told.push(`${before}: ${entries.map(({ eventId }) => eventId).join()} @${reader.position}`),
    reset: () => told.push('reset'),
  });
  const reply = async (value: Reply, gatherMs = 5) => {
    await expect.poll(() => answer).toBeDefined();
    const give = answer;
    answer = undefined;
    give?.(value);
    await new Promise((resolve) => setTimeout(resolve, 5));
    // What the reader lets gather before it reads on.
    clock.advance(gatherMs);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, state, asked, told, reader, reply };
}

describe('LogReader', () => {
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']));

  it('lets gather for five milliseconds what follows, so that a swarm is not read one by one', async () => {
    const { reader, asked, reply, clock } = rig('5-0');
    await reader.onApplicationBootstrap();
    await reply([['6-0', 'a']], 4);
    expect(asked).toEqual(['5-0']);
    clock.advance(1);
    await expect.poll(() => asked).toEqual(['5-0', '6-0']);
    await reader.stop();
  });

  it('begins at the last entry before it lets anybody in, and goes on from the last that it read', async () => {
    const { reader, asked, told, reply, state } = rig('5-0');
    expect(reader.state).toBe('starting');
    await reader.onApplicationBootstrap();
    expect([reader.state, reader.position]).toEqual(['reading', '5-0']);
    await reply([
      ['6-0', 'a'],
      ['7-0', 'foreign'],
    ]);
    state.tail = '7-0';
    await reply(null);
    await reply([['8-0', 'b']]);
    expect(told).toEqual(['5-0: a @7-0', '7-0: b @8-0']);
    expect(asked.slice(0, 3)).toEqual(['5-0', '7-0', '7-0']);
    await reader.stop();
  });

  it('goes on from where it was after an outage, and never from the end', async () => {
    const { reader, asked, told, reply, clock, state } = rig('5-0');
    await reader.onApplicationBootstrap();
    await reply([['6-0', 'a']]);
    state.tail = away;
    await reply(away);
    expect(reader.state).toBe('away');
    for (let tries = 0; tries < 5; tries += 1) {
      clock.advance(200);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect([reader.state, state.tails >= 5]).toEqual(['away', true]);
    state.tail = '90-0';
    clock.advance(200);
    await reply([
      ['7-0', 'b'],
      ['90-0', 'c'],
    ]);
    expect([asked[2], reader.state]).toEqual(['6-0', 'reading']);
    expect(told).toEqual(['5-0: a @6-0', '6-0: b,c @90-0']);
    await reader.stop();
  });

  it('starts without Redis, and knows where to begin when it is there', async () => {
    const { reader, asked, told, reply, clock, state } = rig();
    state.tail = away;
    await reader.onApplicationBootstrap();
    await expect.poll(() => state.tails).toBe(2);
    expect(reader.state).toBe('starting');
    state.tail = '50-0';
    await new Promise((resolve) => setTimeout(resolve, 5));
    clock.advance(200);
    await reply([['51-0', 'a']]);
    expect([asked[0], told]).toEqual(['50-0', ['50-0: a @51-0']]);
    await reader.stop();
  });

  it.each([
    ['was deleted', '0-0'],
    ['lost its end in a crash', '4-0'],
  ] as const)('notices that the log %s, and goes on from its end', async (_what, tail) => {
    const { reader, asked, told, reply, state } = rig('5-0');
    await reader.onApplicationBootstrap();
    state.tail = tail;
    await reply(null);
    expect([told, reader.position]).toEqual([['reset'], tail]);
    await reply(null);
    await reply([['9-0', 'a']]);
    expect([asked[1], told]).toEqual([tail, ['reset', `${tail}: a @9-0`]]);
    await reader.stop();
  });

  it('hands nothing out once it was stopped, and bears a listener that fails', async () => {
    const { reader, told, reply } = rig();
    reader.onEntries(() => {
      throw new Error('a mistake of somebody else');
    });
    const leave = reader.onEntries(() => told.push('never'));
    leave();
    await reader.onApplicationBootstrap();
    await reply([['6-0', 'a']]);
    expect(told).toEqual(['5-0: a @6-0']);
    await reader.stop();
    expect(reader.state).toBe('stopped');
  });
});
