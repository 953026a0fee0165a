import { LuaScript, type ScriptClient } from '../redis/index.js';
import type { KeyedLimit, LimitOutcome, Spending } from './gcra.js';
import type { BackendDecision, RateLimitBackend } from './rate-limit.backend.js';

const gcra = new LuaScript<Spending>({
  name: 'gcra',
  file: new URL('./scripts/gcra.lua', import.meta.url),
  decode: decodeSpending,
});

/** Counts in Redis, one script call per decision. The client is that of any purpose; it bounds the call in time. */
export class RedisBackend implements RateLimitBackend {
  constructor(private readonly client: ScriptClient) {}

  async spend(limits: readonly KeyedLimit[]): Promise<BackendDecision> {
    const keys = limits.map(({ key }) => key);
    const args = limits.flatMap(({ intervalUs, burst, cost }) => [intervalUs, burst, cost]);
    const { allowed, outcomes } = await gcra.run(this.client, keys, args);
    return { allowed, outcomes, backend: 'redis', degraded: false };
  }
}

/** Flat integers: allowed, then remaining, reset and wait of each limit. */
export function decodeSpending(reply: unknown): Spending {
  if (!Array.isArray(reply) || reply.length % 3 !== 1 || !reply.every(Number.isSafeInteger)) {
    throw new TypeError('gcra.lua answered something else than its flat list of integers');
  }
  const [allowed, ...numbers] = reply as number[];
  const outcomes: LimitOutcome[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const [remaining = 0, resetUs = 0, waitUs = 0] = numbers.slice(at, at + 3);
    outcomes.push({ remaining, resetUs, waitUs });
  }
  return { allowed: allowed === 1, outcomes };
}
