import type { Redis } from 'ioredis';

/** Every type that Redis has, written under a key that is to hold something else. */
export const FOREIGN_KEYS: Readonly<Record<string, (redis: Redis, key: string) => Promise<unknown>>> = {
  'a text': (redis, key) => redis.set(key, 'foreign'),
  'a list': (redis, key) => redis.rpush(key, 'foreign'),
  'a set': (redis, key) => redis.sadd(key, 'foreign'),
  'a stream': (redis, key) => redis.xadd(key, '*', 'foreign', '1'),
};

/** Texts that are no version, however a script may read them. */
export const FOREIGN_VERSIONS = [
  '',
  'foreign',
  '-1',
  '1.5',
  'nan',
  'inf',
  '-inf',
  '1e300',
  '9007199254740993',
  '9'.repeat(400),
  '1 2',
];
