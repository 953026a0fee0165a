import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type PurposeStatus, RedisStatus } from '../redis/index.js';
import { PurposeWatch } from './purpose-watch.js';

const STATUS: PurposeStatus = {
  purpose: 'rateLimit',
  engine: 'redis',
  state: 'up',
  sinceMs: 1,
  isolation: 'instance',
  sharedWith: [],
  address: 'redis://127.0.0.1:6379',
  topology: 'standalone',
  primaries: [],
  source: 'REDIS_URL',
  user: 'default',
  db: 0,
  outage: 'degrade',
  namespace: 'rl',
  lanes: [],
  proofs: [],
};

function start() {
  const states = new Subject<PurposeStatus>();
  class Told extends RedisStatus {
    readonly required: readonly string[] = [];
    readonly all = () => [];
    readonly of = () => STATUS;
    readonly ready = () => true;
    readonly changes = (purpose: string) => {
      expect(purpose).toBe('rateLimit');
      return states;
    };
  }
  const watch = new PurposeWatch(new Told(), 'rateLimit');
  const happened: string[] = [];
  watch.onReturn(() => happened.push('returned'));
  watch.onLoss(() => happened.push('lost'));
  const tell = (change: Partial<PurposeStatus>): void => states.next({ ...STATUS, ...change });
  return { watch, tell, states, happened };
}

describe('The watch over the purpose that counts', () => {
  it('has nothing to lose where this process counts by choice, and nobody to ask', () => {
    const watch = new PurposeWatch(undefined, 'rateLimit');
    watch.onModuleInit();
    expect([watch.lost(), watch.closed(), watch.reachable()]).toEqual([undefined, false, false]);
    watch.onApplicationShutdown();
  });

  it('takes Redis for lost until it is told otherwise', () => {
    const { watch, tell, happened } = start();
    expect([watch.lost(), watch.closed(), watch.sinceMs()]).toEqual(['other', false, undefined]);
    watch.onModuleInit();
    expect([watch.lost(), watch.reachable()]).toEqual(['other', false]);
    tell({});
    expect(watch.reachable()).toBe(true);
    expect([watch.lost(), watch.sinceMs(), happened]).toEqual([undefined, 1, ['returned']]);
  });

  it.each([
    ['degraded, with the reason', { state: 'degraded', reason: 'timeout' }, 'timeout'],
    ['down, with the reason', { state: 'down', reason: 'readonly' }, 'readonly'],
    ['away without a reason', { state: 'degraded' }, 'other'],
  ] as const)('says why Redis is lost: %s', (_what, change, reason) => {
    const { watch, tell } = start();
    watch.onModuleInit();
    tell({});
    tell(change);
    expect(watch.lost()).toBe(reason);
  });

  it('tells of each loss and each return once, whatever else changes', () => {
    const { watch, tell, happened } = start();
    watch.onModuleInit();
    for (const state of ['up', 'up', 'degraded', 'down', 'degraded', 'up', 'up'] as const) tell({ state });
    expect(happened).toEqual(['returned', 'lost', 'returned']);
    expect(watch.lost()).toBeUndefined();
  });

  it('knows of the new state when it tells of it', () => {
    const { watch, tell } = start();
    const known: (string | undefined)[] = [];
    watch.onReturn(() => known.push(watch.lost()));
    watch.onLoss(() => known.push(watch.lost()));
    watch.onModuleInit();
    tell({});
    tell({ state: 'degraded', reason: 'reset' });
    expect(known).toEqual([undefined, 'reset']);
  });

  it('knows whether the purpose is closed or substituted', () => {
    const { watch, tell } = start();
    watch.onModuleInit();
    tell({ state: 'down', outage: 'closed' });
    expect(watch.closed()).toBe(true);
    tell({ outage: 'degrade' });
    expect(watch.closed()).toBe(false);
  });

  it('listens no longer after the shutdown', () => {
    const { watch, states } = start();
    watch.onModuleInit();
    watch.onApplicationShutdown();
    expect(states.observed).toBe(false);
  });
});
