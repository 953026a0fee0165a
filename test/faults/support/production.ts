import { PURPOSES, type BuiltInPurpose, aclRule } from '../../../src/redis/index.js';
import { type RunningApplication, startApplication } from '../../support/application.js';
import { type TestCertificates, createTestCertificates } from '../../support/certificates.js';
import { startRedisServer } from '../../support/redis-server.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { CANARY, PURPOSE_NAMES, type Site } from './house.js';

export const OPS_TOKEN = 'canary-ops-token-0123456789-0123456789';

/** Four servers as production has them: TLS from an authority of its own, one least-privilege user each. */
export interface ProductionHouse {
  readonly sites: Readonly<Record<BuiltInPurpose, Site>>;
  readonly env: Readonly<Record<string, string>>;
  start(extra?: Readonly<Record<string, string>>): Promise<RunningApplication>;
  close(): Promise<void>;
}

export async function openProductionHouse(): Promise<ProductionHouse> {
  const certificates = await createTestCertificates();
  const sites = await Promise.all(PURPOSE_NAMES.map((purpose) => startSite(purpose, certificates)));
  const env = {
    APP_PROFILE: 'production',
    OPS_TOKEN,
    RATE_LIMIT_KEY_SECRET: 'canary-key-secret-0123456789-0123456789',
    SHUTDOWN_DEADLINE_MS: '4s',
    ...Object.fromEntries(sites.flatMap((site) => variables(site, certificates))),
  };
  return {
    sites: Object.fromEntries(sites.map((site) => [site.purpose, site])) as Record<BuiltInPurpose, Site>,
    env,
    start: (extra = {}) => startApplication({ ...env, ...extra }),
    close: async () => {
      await Promise.all(sites.map(async ({ proxy, server }) => Promise.all([proxy.stop(), server.stop()])));
    },
  };
}

async function startSite(
  purpose: BuiltInPurpose,
  { server: { cert, key }, ca }: TestCertificates,
): Promise<Site> {
  const rule = aclRule({ user: userOf(purpose), definition: PURPOSES[purpose], db: 0 });
  const server = await startRedisServer({
    tls: { cert, key, ca },
    acl: ['user default off', rule.replace('>PASSWORD', `>${CANARY}`)],
    appendonly: PURPOSES[purpose].persistence === 'require',
  });
  return { purpose, server, proxy: await startTcpProxy({ targetPort: server.port }) };
}

function variables({ purpose, proxy }: Site, { ca }: TestCertificates): [string, string][] {
  const { env } = PURPOSES[purpose];
  return [
    [`${env}_URL`, `rediss://localhost:${proxy.port}/0`],
    [`${env}_USERNAME`, userOf(purpose)],
    [`${env}_PASSWORD`, CANARY],
    [`${env}_TLS_CA_FILE`, ca],
  ];
}

function userOf(purpose: BuiltInPurpose): string {
  return `${PURPOSES[purpose].namespace}-app`;
}
