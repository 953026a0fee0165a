import { Redis } from 'ioredis';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;

/**
 * `REDIS_TEST_URL` names a server that somebody else runs, and tests write to it and empty it. Anything that looks
 * like a server with a life of its own (another machine, or any key in any database) is refused, unless
 * `REDIS_TEST_ALLOW_FLUSH=1` says that it may be emptied. No message contains the URL: it may hold a password.
 */
export async function checkRedisTestUrl(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const url = env['REDIS_TEST_URL'];
  if (!url) return undefined;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^rediss?:$/.test(parsed.protocol)) {
    throw new Error('REDIS_TEST_URL is not a redis:// or rediss:// URL');
  }
  if (env['REDIS_TEST_ALLOW_FLUSH'] === '1') return url;
  if (!LOOPBACK.test(parsed.hostname)) {
    throw refusal(`is on another machine (${parsed.hostname})`);
  }
  const keyspace = await readKeyspace(url);
  if (/^db\d+:keys=/m.test(keyspace)) throw refusal('holds data');
  return url;
}

function refusal(why: string): Error {
  return new Error(
    `The server of REDIS_TEST_URL ${why}, and the tests would empty it. Unset REDIS_TEST_URL to let the tests start ` +
      'servers of their own, or set REDIS_TEST_ALLOW_FLUSH=1 if everything on it may be lost.',
  );
}

async function readKeyspace(url: string): Promise<string> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await redis.info('keyspace');
  } catch (error) {
    throw new Error(
      `REDIS_TEST_URL does not answer: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    redis.disconnect();
  }
}
