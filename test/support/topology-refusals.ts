import type { RedisServer } from './redis-server.js';

/**
 * What servers refused the accounts by which they talk to each other, since they were started: `<user> <what>`. A right
 * that is missing need not stop anything at once; it may only make a fail-over worse.
 */
export async function refusals(
  servers: readonly Pick<RedisServer, 'admin' | 'serving'>[],
): Promise<string[]> {
  const logs = await Promise.all(
    servers.filter(({ serving }) => serving).map((server) => server.admin().call('ACL', 'LOG', 128)),
  );
  const entries = (logs as unknown[][][]).flat().map((entry) => {
    const field = (name: string) => String(entry[entry.indexOf(name) + 1]);
    return `${field('username')} ${field('reason')} ${field('object')}`;
  });
  return entries.filter((entry) => entry.startsWith('test-'));
}
