import { afterAll, afterEach, expect, it } from 'vitest';
import { PURPOSES, aclRule, sentinelAclRule } from '../../src/redis/index.js';
import { describeReal } from '../support/redis-availability.js';
import { startRedisCluster } from '../support/redis-cluster.js';
import type { RedisServer } from '../support/redis-server.js';
import { startSentinelTrio } from '../support/sentinel-trio.js';
import { waitFor } from '../support/wait-for.js';
import { type RotationRig, allUp, lanesOn, openRig, warnings } from './rotation/rig.js';
import { SecretFolder } from './rotation/secret-folder.js';

const OLD = 'canary-old-7Qz';
const NEW = 'canary-new-8Rx';
const CALLERS = 50;

const rule = (topology: 'sentinel' | 'cluster') =>
  aclRule({ user: 'app', definition: PURPOSES.rateLimit, db: 0, topology, waitReplicas: 0 });

async function setPassword(servers: readonly RedisServer[], user: string, change: string): Promise<void> {
  for (const server of servers) await server.admin().call('ACL', 'SETUSER', user, change);
}

describeReal('Credentials of servers that fail over', () => {
  const secrets = new SecretFolder();
  const cleanUp: (() => Promise<unknown>)[] = [];
  let total = 0;

  afterEach(async () => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  });

  afterAll(() => console.info(`Credentials behind Sentinels and in a cluster: ${total} calls`));

  async function open(env: Readonly<Record<string, string>>): Promise<RotationRig> {
    const own = Object.fromEntries(
      Object.entries({ ...env, PASSWORD_FILE: secrets.write('password', OLD) }).map(([name, value]) => [
        `RATE_LIMIT_REDIS_${name}`,
        value,
      ]),
    );
    const rig = await openRig({ ...own, REDIS_CREDENTIALS_CHECK_MS: '200ms' }, {}, ['rateLimit']);
    cleanUp.push(() => rig.close());
    await allUp(rig);
    return rig;
  }

  /** @returns failures of 50 callers, on keys that lie anywhere, while something is done */
  async function failuresDuring(rig: RotationRig, change: () => Promise<void>): Promise<string[]> {
    const failures: string[] = [];
    let going = true;
    const client = rig.client('rateLimit');
    const callers = Array.from({ length: CALLERS }, async (_, caller) => {
      for (let n = 0; going; n += 1) {
        total += 1;
        await client
          .set(`rl:${caller}:${n % 100}`, '1')
          .catch((error: unknown) => failures.push(String(error)));
      }
    });
    await change();
    going = false;
    await Promise.all(callers);
    return failures;
  }

  it('are replaced behind Sentinels, those of the Sentinels as well, and hold after a fail-over', async () => {
    const trio = await startSentinelTrio({
      acl: ['user default off', rule('sentinel').replace('>PASSWORD', `>${OLD}`)],
      sentinelAuth: { acl: ['user default off', sentinelAclRule('watcher').replace('>PASSWORD', `>${OLD}`)] },
    });
    cleanUp.push(() => trio.stop());
    const [first, ...others] = trio.sentinels.map(({ port }) => `127.0.0.1:${port}`);
    const rig = await open({
      URL: `redis://app@${first}`,
      NODES: others.join(','),
      TOPOLOGY: 'sentinel',
      SENTINEL_NAME: trio.masterName,
      SENTINEL_USERNAME: 'watcher',
      SENTINEL_PASSWORD_FILE: secrets.write('sentinels', OLD),
    });

    const failures = await failuresDuring(rig, async () => {
      await setPassword(trio.servers, 'app', `>${NEW}`);
      await setPassword(trio.sentinels, 'watcher', `>${NEW}`);
      secrets.replace('password', NEW);
      secrets.replace('sentinels', NEW);
      await rig.applied(2);
      await setPassword(trio.servers, 'app', `<${OLD}`);
      await setPassword(trio.sentinels, 'watcher', `<${OLD}`);
    });
    expect(failures).toEqual([]);
    expect(warnings(rig)).toEqual([]);
    const before = rig.status.of('rateLimit').sinceMs;
    await trio.failover();
    await waitFor(() => rig.status.of('rateLimit').sinceMs > before, { what: 'a new connection' });
    await allUp(rig);
  });

  it('are replaced on every node of a cluster', async () => {
    const cluster = await startRedisCluster({
      acl: ['user default off', rule('cluster').replace('>PASSWORD', `>${OLD}`)],
    });
    cleanUp.push(() => cluster.stop());
    const nodes = cluster.nodes.map(({ server }) => server);
    const [first, ...others] = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const rig = await open({ URL: `redis://app@${first}`, NODES: others.join(','), TOPOLOGY: 'cluster' });
    const seen = async () =>
      (await Promise.all(nodes.map(lanesOn))).map((lanes) => lanes.map(({ id }) => id));
    const before = await seen();

    const failures = await failuresDuring(rig, async () => {
      await setPassword(nodes, 'app', `>${NEW}`);
      secrets.replace('password', NEW);
      await rig.applied(1);
      await setPassword(nodes, 'app', `<${OLD}`);
    });
    expect(failures).toEqual([]);
    expect(warnings(rig)).toEqual([]);
    expect(before.map((lanes) => lanes.length)).toEqual([1, 1, 1]);
    expect(await seen()).toEqual(before);
    for (const node of nodes) await node.admin().call('CLIENT', 'KILL', 'USER', 'app');
    await waitFor(
      async () => (await seen()).flat().length === 3 && !(await seen()).flat().includes(before[0]?.[0] ?? ''),
      {
        what: 'three new connections',
      },
    );
    await allUp(rig);
  });
});
