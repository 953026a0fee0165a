import { describe, expect, it } from 'vitest';
import { RedisCommandError, RedisUnavailableError, type ScriptClient } from '../../redis/index.js';
import { compileQuotas, type CompiledQuota } from './compiled-quota.js';
import type { Lease } from './lease.js';
import { LeaseStore } from './lease-store.js';

const QUOTA = compileQuotas({ chat: { concurrent: [{ per: 'user', streams: 3 }] } }, () => true).get(
  'chat',
) as CompiledQuota;

const lease = (id: string): Lease => ({
  id,
  quota: QUOTA,
  seats: QUOTA.limits.map((limit) => ({ limit, key: `rl:{g}:c:${id}` })),
  shared: true,
  renewedAtMs: 0,
});

/** Whatever it is asked, the server says this. @returns the calls, and what became of two streams of one turn */
async function openTwo(said: () => Promise<unknown>) {
  const calls: unknown[][] = [];
  const client: ScriptClient = {
    evalsha: (...call) => {
      calls.push(call);
      return said();
    },
    eval: () => said(),
    callBuffer: () => said(),
  };
  const none = () => undefined;
  const store = new LeaseStore({ client, onBroken: none, onExpired: none, onReadded: none });
  return { calls, ends: await Promise.allSettled(['a', 'b'].map((id) => store.acquire(lease(id)))) };
}

describe('LeaseStore', () => {
  it('tells all of one turn when their one call fails', async () => {
    const failure = new RedisUnavailableError({
      purpose: 'rateLimit',
      reason: 'timeout',
      retryAfterMs: 1000,
      maybeExecuted: true,
    });
    const { calls, ends } = await openTwo(() => Promise.reject(failure));
    expect(calls).toHaveLength(1);
    expect(ends).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ]);
  });

  it('opens none by an answer that is not about what was asked', async () => {
    // As for one stream; two with a key each have nine numbers.
    const { ends } = await openTwo(() => Promise.resolve([0, 0, 1, 0, 0]));
    for (const end of ends) {
      expect(end).toMatchObject({ status: 'rejected', reason: { serverCode: 'REPLY' } });
      expect((end as PromiseRejectedResult).reason).toBeInstanceOf(RedisCommandError);
    }
  });
});
