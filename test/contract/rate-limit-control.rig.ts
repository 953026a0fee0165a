import type { Redis } from 'ioredis';
import { memberOf } from '../../src/rate-limit/control/blocked-subject.js';
import { RedisRulingStore } from '../../src/rate-limit/control/redis-ruling-store.js';
import type { RulingChange } from '../../src/rate-limit/control/ruling-store.js';
import { RedisCommandError } from '../../src/redis/index.js';
import { PREFIX, scriptClient } from './rate-limit.rig.js';

export const KEYS = {
  version: `${PREFIX}:version`,
  blocked: `${PREFIX}:blocked`,
  overrides: `${PREFIX}:overrides`,
} as const;
export const HOUR_MS = 3_600_000;

export const member = (name: string): string =>
  memberOf({ dimension: 'user', id: name.padEnd(16, '_'), label: '***' });
export const block = (name: string, forMs = HOUR_MS): RulingChange => ({
  kind: 'block',
  member: member(name),
  forMs,
});
export const unblock = (name: string): RulingChange => ({ kind: 'unblock', members: [member(name)] });
export const override = (field: string, value = '{}'): RulingChange => ({ kind: 'override', field, value });

/** A purpose client names the server's refusals by their first word. */
function asOurs(error: Error): never {
  throw new RedisCommandError('rateLimit', 'get', error.message.split(' ')[0] ?? '', error.message);
}

export const rulingClient = (redis: Redis) => ({
  ...scriptClient(redis),
  get: (key: string) => redis.get(key).catch(asOurs),
});

/** The store on a bare client, and how much it has found to be foreign. */
export class RulingRig {
  broken = 0;
  readonly store: RedisRulingStore;

  constructor(private readonly redis: Redis) {
    this.store = new RedisRulingStore({
      client: rulingClient(redis),
      prefix: PREFIX,
      onBroken: (count) => (this.broken += count),
    });
  }

  /** The clock of the server, milliseconds since the epoch. */
  async nowMs(): Promise<number> {
    const [seconds = 0, micros = 0] = (await this.redis.time()).map(Number);
    return seconds * 1000 + micros / 1000;
  }

  async seedBlocks(count: number, endMs: number): Promise<void> {
    for (let at = 0; at < count; at += 1000) {
      const pairs = Array.from({ length: Math.min(1000, count - at) }, (_, n) => [
        endMs,
        member(`s${at + n}`),
      ]);
      await this.redis.zadd(KEYS.blocked, ...pairs.flat());
    }
  }
}
