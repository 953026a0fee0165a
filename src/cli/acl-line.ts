import { UsageError } from './cli-context.js';

/** What rules a server understands; major and minor. */
export type RedisVersion = readonly [major: number, minor: number];

export const DEFAULT_VERSION = '7.0';

/** Oldest server that the product runs on; what a start refuses needs no rule. */
const OLDEST: RedisVersion = [7, 0];

/** @throws UsageError for what is no version, or one that is too old */
export function parseRedisVersion(text: string): RedisVersion {
  const match = /^(\d{1,3})(?:\.(\d{1,3}))?(?:\.\d{1,3})?$/.exec(text);
  if (!match) throw new UsageError(`--redis-version must look like ${DEFAULT_VERSION}`);
  const version: RedisVersion = [Number(match[1]), Number(match[2] ?? 0)];
  if (isOlder(version, OLDEST)) {
    throw new UsageError(
      `--redis-version must be ${OLDEST.join('.')} or newer: the product is proven on those only`,
    );
  }
  return version;
}

/**
 * Makes the rule say everything about its user. `ACL SETUSER` adds to what a user has: without the resets an
 * earlier password, key pattern or selector would stay good.
 */
export function completeRule(rule: string): string {
  const [word = '', user = '', ...grants] = rule.split(' ');
  return [word, user, 'resetpass', 'resetkeys', 'clearselectors', ...grants].join(' ');
}

function isOlder([major, minor]: RedisVersion, [thanMajor, thanMinor]: RedisVersion): boolean {
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}
