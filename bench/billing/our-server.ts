import { randomBytes } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../src/app.module.js';
import { createHttpApp } from '../../src/app.setup.js';
import { Projector } from '../../src/billing/projector/projector.js';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { Passwords, Users, normalizeEmail } from '../../src/identity/index.js';
import { listenOptions } from '../../src/http/index.js';
import type { RateLimitModuleOptions } from '../../src/rate-limit/index.js';
import type { Address, Ground, Contestant } from './contestant.js';

/** The streams are shared out among so many logins. */
const LOGINS = 10;
const EMAIL = 'bench@example.com';
const MANY = 50_000;

/** The whole application, every gate in place: only how many streams one tenant and one user may open is raised. */
const LIMITS: RateLimitModuleOptions = {
  streamQuotas: {
    billing: {
      concurrent: [
        { per: 'tenant', streams: MANY },
        { per: 'user', streams: MANY },
        { per: 'ip', streams: 3, unless: 'user' },
      ],
      connects: 'stream-connect',
      leaseMs: 45_000,
      outage: 'local',
    },
  },
};

export const OUR_SERVERS = {
  ours: { title: 'this product, the whole application', resumes: true, open: openOurs },
} as const satisfies Record<string, Contestant>;

export const OUR_WEBHOOK = {
  'ours-route': {
    title: 'this product, its projector at rest',
    open: async (ground) => {
      const { app, address } = await open(ground);
      await app.get(Projector, { strict: false }).beforeApplicationShutdown();
      return address;
    },
  },
} as const satisfies Record<string, Contestant>;

async function openOurs(ground: Ground): Promise<Address> {
  return (await open(ground)).address;
}

async function open(ground: Ground): Promise<{ app: NestFastifyApplication; address: Address }> {
  const app = await createHttpApp(AppModule.register({ env: environment(ground), rateLimit: LIMITS }));
  await app.listen(listenOptions(0, '127.0.0.1'));
  const origin = await app.getUrl();
  const password = randomBytes(12).toString('base64url');
  await openAccount(app, password);
  const logins = [];
  for (let n = 0; n < LOGINS; n += 1) logins.push(await logIn(origin, password, n));
  const address = {
    port: Number(new URL(origin).port),
    path: '/v1/billing/stream',
    tokens: logins.map(({ access_token }) => access_token),
    tenantId: logins[0]?.tenant_id ?? '',
  };
  return { app, address };
}

/** As production runs it, with a log that goes to /dev/null. */
function environment({ billingUrl, redisUrl, databaseUrl, webhookSecret }: Ground) {
  return {
    APP_PROFILE: 'test',
    REDIS_URL: redisUrl,
    BILLING_EVENTS_REDIS_URL: billingUrl,
    DATABASE_URL: databaseUrl,
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
    AUTH_ACCESS_TOKEN_LIFE_MS: '1h',
    BILLING_SSE_MAX_AGE_MS: '1d',
    BILLING_SSE_MAX_CONNECTIONS: String(MANY),
    BILLING_BACKLOG_MAX: '10000000',
    BILLING_BACKLOG_MAX_AGE: '86400',
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('BILLING_SSE_'))),
  };
}

/** An account whose address counts as verified; everything else about it goes through the door. */
async function openAccount(app: NestFastifyApplication, password: string): Promise<void> {
  const users = app.get(Users, { strict: false });
  const address = normalizeEmail(EMAIL);
  if (!address) throw new Error('The address of the account is none');
  const phc = await app.get(Passwords, { strict: false }).hashNew(password, address.key);
  await app.get<FeatureDatabase>(getDatabaseToken('auth'), { strict: false }).transaction(async (tx) => {
    const { user } = await users.register(tx, address, phc);
    await users.verifyEmail(tx, user.id, address.key);
  });
}

async function logIn(origin: string, password: string, n: number) {
  const response = await fetch(`${origin}/v1/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': `bench ${n}` },
    body: JSON.stringify({ email: EMAIL, password }),
  });
  if (!response.ok) throw new Error(`Login answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { access_token: string; tenant_id: string };
}
