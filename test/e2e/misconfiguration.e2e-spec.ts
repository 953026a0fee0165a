import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PurposeStatus, RedisStatus } from '../../src/redis/index.js';
import type { Environment } from '../../src/config/index.js';
import { describeReal } from '../support/redis-availability.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import type { Fault as NetworkFault } from '../support/tcp-faults.js';
import { accessRows } from './misconfiguration/access-rows.js';
import { start } from './misconfiguration/attempt.js';
import { refusals } from './misconfiguration/refusals.js';
import { type Row, guardedUrl, local, production } from './misconfiguration/row.js';
import { serverRows } from './misconfiguration/server-rows.js';
import { type Servers, passwordOf, startServers } from './misconfiguration/servers.js';
import { tlsRows } from './misconfiguration/tls-rows.js';
import { topologyRows } from './misconfiguration/topology-rows.js';
import { urlRows } from './misconfiguration/url-rows.js';

const ROWS: readonly Row[] = [...urlRows, ...topologyRows, ...accessRows, ...tlsRows, ...serverRows];

const PROVEN_FACTS = [
  'topology',
  'identity',
  'database',
  'commands',
  'role',
  'version',
  'eviction',
  'persistence',
  'anonymous',
];

describeReal('the start of the application', () => {
  let servers: Servers;
  let outcome = { named: 0 };

  beforeAll(async () => {
    servers = await startServers();
  });

  afterAll(async () => {
    await servers.stop();
    console.info(`Misconfigurations: ${outcome.named} of ${ROWS.length} named`);
  });

  describe('is refused for', () => {
    outcome = refusals(ROWS, () => servers);
  });
  describe('succeeds', () => {
    successes(() => servers);
  });
});

function successes(servers: () => Servers): void {
  let app: NestFastifyApplication | undefined;

  afterEach(async () => {
    await app?.close();
    app = undefined;
    await servers().nothingLeftConnected();
  });

  const statusOf = async (env: Environment, log: string[] = []): Promise<Record<string, PurposeStatus>> => {
    app = await start(env, log);
    return Object.fromEntries(
      app
        .get(RedisStatus, { strict: false })
        .all()
        .map((one) => [one.purpose, one]),
    );
  };
  const proofOf = (status: PurposeStatus | undefined, fact: string): string | undefined =>
    status?.proofs.find((proof) => proof.fact === fact)?.verdict;

  it('in production with TLS, a user per purpose, AOF and noeviction, and everything is proven', async () => {
    const status = await statusOf(production(servers()));
    for (const { state, proofs } of Object.values(status)) {
      expect(state).toBe('up');
      expect(proofs.map(({ fact, verdict }) => [fact, verdict])).toEqual(
        PROVEN_FACTS.map((fact) => [fact, 'proven']),
      );
    }
    expect(Object.keys(status)).toEqual(['rateLimit', 'authCache', 'securityTokens', 'billingEvents']);
  });

  it('with two purposes on one server, and says what they share', async () => {
    const { plain, evicting, certificates } = servers();
    const status = await statusOf(
      local(servers(), {
        SECURITY_TOKEN_REDIS_URL: evicting.url(),
        SECURITY_TOKEN_REDIS_TLS_CA_FILE: certificates.ca,
        BILLING_EVENTS_REDIS_URL: evicting.url({ db: 1 }),
        BILLING_EVENTS_REDIS_TLS_CA_FILE: certificates.ca,
      }),
    );
    const shared = Object.values(status).map(({ isolation, sharedWith }) => [isolation, ...sharedWith]);
    expect(plain.port).not.toBe(evicting.port);
    expect(shared).toEqual([
      ['namespace', 'authCache'],
      ['namespace', 'rateLimit'],
      ['database', 'billingEvents'],
      ['database', 'securityTokens'],
    ]);
  });

  it('with a server for each purpose, and calls that instance', async () => {
    const { certificates, open, evicting } = servers();
    const status = await statusOf(
      local(servers(), {
        AUTH_CACHE_REDIS_URL: guardedUrl(servers(), 'authCache', true),
        SECURITY_TOKEN_REDIS_URL: evicting.url({ password: passwordOf('default') }),
        SECURITY_TOKEN_REDIS_TLS_CA_FILE: certificates.ca,
        BILLING_EVENTS_REDIS_URL: open.url(),
        BILLING_EVENTS_REDIS_TLS_CA_FILE: certificates.ca,
      }),
    );
    for (const { isolation, sharedWith } of Object.values(status)) {
      expect([isolation, ...sharedWith]).toEqual(['instance']);
    }
  });

  it('with a server under two addresses, and recognises it', async () => {
    const proxy = await startTcpProxy({ targetPort: servers().plain.port });
    try {
      const { authCache } = await statusOf(
        local(servers(), { AUTH_CACHE_REDIS_URL: `redis://127.0.0.1:${proxy.port}` }),
      );
      expect(authCache?.isolation).toBe('namespace');
      expect(authCache?.sharedWith).toEqual(['rateLimit', 'securityTokens', 'billingEvents']);
    } finally {
      await proxy.stop();
    }
  });

  it('with a server that hides what it is, and calls that unprovable', async () => {
    const proxy = await startTcpProxy({ targetPort: servers().plain.port });
    await proxy.use(hidingInfo);
    try {
      const { billingEvents } = await statusOf(
        local(servers(), { BILLING_EVENTS_REDIS_URL: `redis://127.0.0.1:${proxy.port}` }),
      );
      expect(billingEvents?.state).toBe('up');
      expect(billingEvents?.isolation).toBe('unknown');
      const facts = ['role', 'version', 'eviction', 'persistence'];
      expect(facts.map((fact) => proofOf(billingEvents, fact))).toEqual(facts.map(() => 'unprovable'));
    } finally {
      await proxy.stop();
    }
  });

  it('when TLS_SERVERNAME names what the certificate is for', async () => {
    const { rateLimit } = await statusOf(
      local(servers(), {
        RATE_LIMIT_REDIS_URL: servers().wrongHost.url(),
        RATE_LIMIT_REDIS_TLS_CA_FILE: servers().certificates.ca,
        RATE_LIMIT_REDIS_TLS_SERVERNAME: 'other.example',
      }),
    );
    expect(rateLimit?.state).toBe('up');
  });

  it('when the client certificate that the server asks for is given', async () => {
    const { ca, client } = servers().certificates;
    const { rateLimit } = await statusOf(
      local(servers(), {
        RATE_LIMIT_REDIS_URL: servers().mutual.url(),
        RATE_LIMIT_REDIS_TLS_CA_FILE: ca,
        RATE_LIMIT_REDIS_TLS_CERT_FILE: client.cert,
        RATE_LIMIT_REDIS_TLS_KEY_FILE: client.key,
      }),
    );
    expect(rateLimit?.state).toBe('up');
  });

  it('in production without AOF when a provider is said to keep the data', async () => {
    const { billingEvents } = await statusOf(
      production(servers(), {
        BILLING_EVENTS_REDIS_URL: servers().noAof.url(),
        BILLING_EVENTS_DURABILITY: 'provider',
      }),
    );
    expect(billingEvents?.state).toBe('up');
    expect(proofOf(billingEvents, 'persistence')).toBe('unprovable');
  });

  it('in development with what production refuses, and warns of each', async () => {
    const log: string[] = [];
    const status = await statusOf(local(servers(), { APP_PROFILE: 'development' }), log);
    const warnings = log.filter((line) => line.includes('Not allowed in production'));
    expect(Object.values(status).every(({ state }) => state === 'up')).toBe(true);
    expect(warnings.filter((line) => line.includes('without TLS'))).toHaveLength(4);
    expect(warnings.filter((line) => line.includes('_PASSWORD'))).toHaveLength(4);
    expect(warnings.filter((line) => line.includes('AUTH_CACHE_REDIS_USERNAME'))).toHaveLength(1);
  });

  it.each([
    ['BILLING_EVENTS_REDIS_URL', 'billingEvents', 'down'],
    ['RATE_LIMIT_REDIS_URL', 'rateLimit', 'degraded'],
  ])('when %s is unreachable and not required, with %s %s', async (variable, purpose, state) => {
    const log: string[] = [];
    const status = await statusOf(
      local(servers(), {
        [variable]: `redis://127.0.0.1:${servers().refusedPort}`,
        REDIS_START_DEADLINE_MS: '2s',
      }),
      log,
    );
    const states = Object.values(status).map((one) => [one.purpose, one.state]);
    expect(states).toHaveLength(4);
    for (const [name, seen] of states) expect(seen).toBe(name === purpose ? state : 'up');
    expect(status[purpose]?.reason).toBe('refused');
    expect(log.join('\n')).toContain(`Starting with ${purpose} ${state}: ${variable}: `);
  });
}

/** A managed service: fields of INFO that it does not show. Same lengths, so that the reply stays whole. */
const hidingInfo: NetworkFault = {
  name: 'hidingInfo',
  attach: () => ({
    down: (chunk) => {
      const text = chunk
        .toString('latin1')
        .replace(
          /\b(redis_version|run_id|role|maxmemory_policy|aof_enabled):/g,
          (name) => `hidden_${name}`.slice(0, name.length - 1) + ':',
        );
      return [{ data: Buffer.from(text, 'latin1') }];
    },
  }),
};
