import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/index.js';
import { type PurposeStatus, RedisStatus } from '../../src/redis/index.js';
import { describeReal } from '../support/redis-availability.js';
import {
  cluster,
  guardedCluster,
  guardedSentinels,
  nodeOf,
  sentinels,
} from './misconfiguration/arrangements.js';
import { start } from './misconfiguration/attempt.js';
import { clusterRows } from './misconfiguration/cluster-rows.js';
import { refusals } from './misconfiguration/refusals.js';
import { sentinelRows } from './misconfiguration/sentinel-rows.js';
import { type TopologyServers, startTopologyServers } from './misconfiguration/topology-servers.js';

const ROWS = [...sentinelRows, ...clusterRows];

/** What every server is asked for; then what only some arrangements have. */
const FACTS = ['topology', 'identity', 'database', 'commands', 'role', 'version', 'eviction', 'persistence'];

describeReal('the start of the application on Sentinels and clusters', () => {
  let servers: TopologyServers;
  let outcome = { named: 0 };

  beforeAll(async () => {
    servers = await startTopologyServers();
  });

  afterAll(async () => {
    await servers.stop();
    console.info(`Misconfigured topologies: ${outcome.named} of ${ROWS.length} named`);
  });

  describe('is refused for', () => {
    outcome = refusals(ROWS, () => servers);
  });
  describe('succeeds', () => {
    successes(() => servers);
  });
});

function successes(servers: () => TopologyServers): void {
  let app: NestFastifyApplication | undefined;
  let log: string[] = [];

  afterEach(async () => {
    await app?.close();
    app = undefined;
    await servers().nothingLeftConnected();
  });

  const statusOf = async (purpose: string, env: Environment): Promise<PurposeStatus> => {
    log = [];
    app = await start(env, log);
    return app.get(RedisStatus, { strict: false }).of(purpose);
  };
  const verdictsOf = ({ proofs }: PurposeStatus) =>
    Object.fromEntries(proofs.map(({ fact, verdict }) => [fact, verdict]));
  const proven = (...facts: readonly string[]) =>
    Object.fromEntries([...FACTS, ...facts].map((fact) => [fact, 'proven']));

  it('with Sentinels', async () => {
    const status = await statusOf('securityTokens', sentinels(servers()));
    expect(status).toMatchObject({
      state: 'up',
      topology: 'sentinel',
      address: `redis://${nodeOf(servers().watched.sentinels[0])}/0`,
      primaries: [nodeOf(servers().watched.primary)],
      isolation: 'instance',
    });
    expect(verdictsOf(status)).toEqual(proven('replication', 'sentinels'));
  });

  it('in production with Sentinels, TLS, a user on the servers and one at the Sentinels', async () => {
    const status = await statusOf('securityTokens', guardedSentinels(servers()));
    expect(status).toMatchObject({ state: 'up', primaries: [nodeOf(servers().guardedWatched.primary)] });
    expect(verdictsOf(status)).toEqual(proven('replication', 'sentinels', 'anonymous'));
  });

  it('with a database of the servers behind Sentinels', async () => {
    const url = servers().watched.sentinels[0].url({ db: 3 });
    const status = await statusOf('securityTokens', sentinels(servers(), { URL: url }));
    expect(status).toMatchObject({ state: 'up', db: 3 });
    expect(verdictsOf(status).database).toBe('proven');
  });

  it.each([
    ['in the URL', (port: number) => ({ URL: `redis://127.0.0.1:${port}` })],
    ['in the list', (port: number) => ({ NODES: `127.0.0.1:${port}` })],
  ])('while a Sentinel %s is away, and says so', async (_, change) => {
    const { refusedPort } = servers();
    const status = await statusOf('securityTokens', sentinels(servers(), change(refusedPort)));
    expect(status.state).toBe('up');
    const [proof] = status.proofs.filter(({ fact }) => fact === 'sentinels');
    expect(proof).toMatchObject({ verdict: 'contradicted' });
    expect(proof?.detail).toContain(`1 of 2 Sentinels do not name the primary`);
    expect(proof?.detail).toContain(`127.0.0.1:${refusedPort}: nothing listens there (refused)`);
  });

  it('with a cluster', async () => {
    const status = await statusOf('authCache', cluster(servers()));
    const node = nodeOf(servers().clusters[0]);
    expect(status).toMatchObject({ state: 'up', topology: 'cluster', primaries: [node] });
    expect(verdictsOf(status)).toEqual(proven());
  });

  it('in production with a cluster, TLS and a user', async () => {
    const status = await statusOf('authCache', guardedCluster(servers(), 'authCache'));
    expect(status).toMatchObject({ state: 'up', primaries: [nodeOf(servers().guardedCluster)] });
    expect(verdictsOf(status)).toEqual(proven('anonymous'));
  });

  it.each([
    ['in the URL', (port: number) => ({ URL: `redis://127.0.0.1:${port}` })],
    ['in the list', (port: number) => ({ NODES: `127.0.0.1:${port}` })],
  ])('while a node of the cluster %s is away', async (_, change) => {
    const status = await statusOf('authCache', cluster(servers(), change(servers().refusedPort)));
    expect(status).toMatchObject({ state: 'up', primaries: [nodeOf(servers().clusters[0])] });
  });

  it('on one server that waits for a replica, which nobody has to fail over to', async () => {
    const status = await statusOf(
      'securityTokens',
      sentinels(servers(), {
        URL: servers().watched.primary.url(),
        TOPOLOGY: 'standalone',
        NODES: '',
        SENTINEL_NAME: '',
        WAIT_REPLICAS: '1',
      }),
    );
    expect(status).toMatchObject({ state: 'up', topology: 'standalone' });
    expect(verdictsOf(status)).toEqual(proven());
  });

  it('with a purpose down where too few replicas follow and it is not required', async () => {
    const status = await statusOf('securityTokens', {
      ...sentinels(servers(), { WAIT_REPLICAS: '2' }),
      READINESS_REQUIRED_PURPOSES: '',
    });
    expect(status).toMatchObject({ state: 'down', reason: 'noreplicas' });
    expect(log.join('\n')).toMatch(
      /Starting with securityTokens down: SECURITY_TOKEN_REDIS_WAIT_REPLICAS: .*too few replicas/,
    );
  });
}
