import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { CommandGuard } from './command-guard.js';
import { createLane } from './lane.js';
import type { LaneClient } from './lane-client.js';
import { PURPOSES } from './purposes.js';
import { RedisAbortedError, RedisIsolationError, RedisUnavailableError } from './redis.errors.js';

const SECRET = 's3cret';

/** A lane that has never been connected. */
describe('LaneClient', () => {
  let client: LaneClient;
  let calls: string[];

  beforeEach(() => {
    calls = [];
    const { commands, ...row } = PURPOSES.rateLimit;
    client = createLane({
      purpose: 'rateLimit',
      lane: 'command',
      budget: row.lanes.command,
      guard: new CommandGuard('rateLimit', { ...row, commands }, 'command'),
      watcher: {
        called: (outcome, ms) => calls.push(`${outcome} after ${ms}`),
        refused: (reason) => calls.push(`refused: ${reason}`),
        violated: () => undefined,
        stalled: () => undefined,
      },
      clock: new ManualClock(),
      waitReplicas: 0,
      redirects: false,
      connection: { lazyConnect: true, host: '127.0.0.1', port: 1, username: 'u', password: SECRET },
    }).client;
  });

  it('sends nothing before it is proven, and says so at once', async () => {
    await expect(client.set('rl:a', '1')).rejects.toBeInstanceOf(RedisUnavailableError);
    await expect(client.get('rl:a')).rejects.toMatchObject({ reason: 'other', maybeExecuted: false });
    expect(calls).toEqual(['rejected after 0', 'rejected after 0']);
    expect(client).toMatchObject({ status: 'wait', usable: false, inFlight: 0 });
  });

  it('tells a programmer of a fault rather than of a server that is down', async () => {
    await expect(client.get('auth:a')).rejects.toBeInstanceOf(RedisIsolationError);
    await expect(client.call('FLUSHALL')).rejects.toBeInstanceOf(RedisIsolationError);
    await expect(client.quit()).rejects.toBeInstanceOf(RedisIsolationError);
    await expect(client.subscribe('x')).rejects.toBeInstanceOf(RedisIsolationError);
  });

  it.each(['disconnect', 'duplicate', 'monitor', 'defineCommand'] as const)('has no %s()', (method) => {
    const forbidden = client[method].bind(client) as () => unknown;
    expect(forbidden).toThrow(RedisIsolationError);
    expect(forbidden).toThrow('shared and owned by the registry');
  });

  it('has no transaction outside of a pipeline', async () => {
    await expect(client.multi({ pipeline: false })).rejects.toThrow('MULTI on rateLimit was not sent');
  });

  it.each(['pipeline', 'multi'] as const)('refuses %s() while it cannot be used', async (method) => {
    const heard: unknown[] = [];
    const answer = client[method]()
      .set('rl:a', '1')
      .exec((error) => heard.push(error));
    await expect(answer).rejects.toBeInstanceOf(RedisUnavailableError);
    expect(heard).toHaveLength(1);
    const batch = client[method]([['set', 'rl:a', '1']]);
    expect(batch).toHaveLength(method === 'multi' ? 2 : 1);
    await expect(batch.exec()).rejects.toBeInstanceOf(RedisUnavailableError);
  });

  it.each(['pipeline', 'multi'] as const)('judges the commands of %s(), also of a list', (method) => {
    expect(() => client[method]().get('auth:a')).toThrow(RedisIsolationError);
    expect(() => client[method]([['get', 'auth:a']])).toThrow(RedisIsolationError);
  });

  it('does not begin a read whose signal has been aborted', async () => {
    let begun = false;
    const read = () => {
      begun = true;
      return Promise.resolve();
    };
    await expect(client.cancellable(AbortSignal.abort(), read)).rejects.toBeInstanceOf(RedisAbortedError);
    expect(begun).toBe(false);
  });

  it('shows purpose and lane when it is printed, and no setting', () => {
    const shown = 'LaneClient(rateLimit:command, unusable)';
    expect(inspect(client)).toBe(shown);
    expect(inspect({ client }, { depth: 9, showHidden: true })).toBe(`{ client: ${shown} }`);
    expect(JSON.stringify({ client })).toBe(`{"client":"${shown}"}`);
    expect(String(client)).toBe(shown);
  });
});
