import { Redis } from 'ioredis';
import type { Contestant, Limiter, Setting, Subject } from './contestant.js';

const NO_OP = 'return 1';

export const BARE_CONTESTANTS = {
  'bare-1': { title: 'bare EVALSHA no-op, 1 key', open: (setting) => open(setting, ({ ip }) => [ip]) },
  'bare-3': {
    title: 'bare EVALSHA no-op, 3 keys',
    open: (setting) => open(setting, ({ ip, user }) => [ip, user, 'global']),
  },
} as const satisfies Record<string, Contestant>;

/** A client with auto-pipelining, as everybody here has one; nothing is counted. */
async function open({ url }: Setting, keysOf: (subject: Subject) => string[]): Promise<Limiter> {
  const redis = new Redis(url, { enableAutoPipelining: true });
  const sha = String(await redis.script('LOAD', NO_OP));
  return {
    decide: (subject) => {
      const keys = keysOf(subject);
      return redis.evalsha(sha, keys.length, ...keys);
    },
    isAllowed: (answer) => answer === 1,
    close: () => redis.disconnect(),
  };
}
