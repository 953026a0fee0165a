import { PURPOSES, type BuiltInPurpose } from '../../../src/redis/index.js';
import { type RunningApplication, type Surroundings, startApplication } from '../../support/application.js';
import { createTestCertificates } from '../../support/certificates.js';
import { type Compartments, openCompartments } from '../../support/compartments.js';
import { CANARY, type Site, closeSite, openSite } from './site.js';
import { startPostgres } from '../../support/postgres.js';
import { productionSettings } from '../../support/production-settings.js';

export { CANARY, type Site } from './site.js';

export const PURPOSE_NAMES = Object.keys(PURPOSES) as BuiltInPurpose[];

export const OPS_TOKEN = 'canary-ops-token-0123456789-0123456789';
const KEY_SECRET = 'canary-key-secret-0123456789-0123456789';

/** What neither the application's output nor any error may ever contain. */
export const SECRETS: readonly string[] = [CANARY, OPS_TOKEN, KEY_SECRET];

/** Four servers as production has them: TLS from an authority of its own, one least-privilege user each, AOF. */
export interface FaultHouse {
  readonly sites: Readonly<Record<BuiltInPurpose, Site>>;
  /** The core in this process, connected to all of them. Closed by whoever opens it. */
  openCore(extra?: Readonly<Record<string, string>>): Promise<Compartments>;
  /** The built application as a process of its own, in the production profile. */
  startApplication(
    extra?: Readonly<Record<string, string>>,
    surroundings?: Surroundings,
  ): Promise<RunningApplication>;
  close(): Promise<void>;
}

export async function openFaultHouse(): Promise<FaultHouse> {
  const certificates = await createTestCertificates();
  const sites = await Promise.all(
    PURPOSE_NAMES.map((purpose) => openSite({ purpose, user: userOf(purpose), certificates })),
  );
  // Never at fault here, so that what is away is what a test took away.
  const sql = await startPostgres({ tls: certificates.server });
  const env = {
    ...productionSettings(),
    DATABASE_URL: sql.url({ host: 'localhost', sslmode: 'verify-full' }),
    DATABASE_TLS_CA_FILE: certificates.ca,
    APP_PROFILE: 'production',
    OPS_TOKEN,
    RATE_LIMIT_KEY_SECRET: KEY_SECRET,
    // Visitors say by X-Forwarded-For who they are: the faults are about compartments, not about limits.
    TRUST_PROXY: '1',
    SHUTDOWN_DEADLINE_MS: '4s',
    ...Object.fromEntries(sites.flatMap((site) => variables(site, certificates.ca))),
  };
  return {
    sites: Object.fromEntries(sites.map((site) => [site.purpose, site])) as Record<BuiltInPurpose, Site>,
    openCore: (extra = {}) => openCompartments(PURPOSE_NAMES, { ...env, ...extra }),
    startApplication: (extra = {}, surroundings = {}) => startApplication({ ...env, ...extra }, surroundings),
    close: async () => {
      await Promise.all([...sites.map(closeSite), sql.stop()]);
    },
  };
}

function variables({ purpose, proxy, user }: Site, ca: string): [string, string][] {
  const { env } = PURPOSES[purpose];
  return [
    [`${env}_URL`, `rediss://localhost:${proxy.port}/0`],
    [`${env}_USERNAME`, user],
    [`${env}_PASSWORD`, CANARY],
    [`${env}_TLS_CA_FILE`, ca],
  ];
}

function userOf(purpose: BuiltInPurpose): string {
  return `${PURPOSES[purpose].namespace}-app`;
}
