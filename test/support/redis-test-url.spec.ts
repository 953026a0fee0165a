import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeReal } from './redis-availability.js';
import { startRedisServer, type RedisServer } from './redis-server.js';
import { checkRedisTestUrl } from './redis-test-url.js';

describe('REDIS_TEST_URL', () => {
  it('may be absent', async () => {
    await expect(checkRedisTestUrl({})).resolves.toBeUndefined();
  });

  it('is refused when it is another machine, without showing its password', async () => {
    const REDIS_TEST_URL = 'redis://:hunter2@redis.example:6379';
    const refused = checkRedisTestUrl({ REDIS_TEST_URL });
    await expect(refused).rejects.toThrow(/another machine \(redis\.example\).*REDIS_TEST_ALLOW_FLUSH=1/);
    await expect(refused).rejects.not.toThrow(/hunter2/);
    await expect(checkRedisTestUrl({ REDIS_TEST_URL, REDIS_TEST_ALLOW_FLUSH: '1' })).resolves.toBe(
      REDIS_TEST_URL,
    );
  });

  it('is refused when it is no Redis URL', async () => {
    await expect(checkRedisTestUrl({ REDIS_TEST_URL: 'localhost:6379' })).rejects.toThrow('not a redis://');
  });
});

describeReal('REDIS_TEST_URL of this machine', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedisServer();
  });

  afterAll(() => server?.stop());

  it('is accepted while the server is empty and refused when any database holds a key', async () => {
    const REDIS_TEST_URL = server.url();
    await expect(checkRedisTestUrl({ REDIS_TEST_URL })).resolves.toBe(REDIS_TEST_URL);
    await server.admin().multi().select(5).set('precious', '1').select(0).exec();
    await expect(checkRedisTestUrl({ REDIS_TEST_URL })).rejects.toThrow('holds data');
    await expect(checkRedisTestUrl({ REDIS_TEST_URL, REDIS_TEST_ALLOW_FLUSH: '1' })).resolves.toBe(
      REDIS_TEST_URL,
    );
  });

  it('is refused when nothing answers', async () => {
    await server.down();
    await expect(checkRedisTestUrl({ REDIS_TEST_URL: server.url() })).rejects.toThrow('does not answer');
  });
});
