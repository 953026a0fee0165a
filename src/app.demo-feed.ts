import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CustomerTenants } from './billing/webhook/customer-tenants.js';
import { SampleFeed } from './billing/webhook/samples/sample-feed.js';
import { StripeWebhookSettings } from './billing/webhook/webhook.config.js';
import { Settings } from './config/index.js';
import { type FeatureDatabase, getDatabaseToken } from './database/index.js';
import { Passwords, Tenants, Users, normalizeEmail } from './identity/index.js';
import { AppError } from './kernel/errors.js';
import { keysOf } from './kernel/key-ring.js';
import { CLOCK } from './telemetry/index.js';

const EMAIL = 'demo@example.com';
const TENANT = 'Acme';
const CUSTOMER = 'cus_acme';
const EVERY_MS = 1_000;

/** Somebody who can log in to a demo. */
export interface DemoAccount {
  readonly email: string;
  /** Undefined where the account was there before, in a database that outlives the demo. */
  readonly password: string | undefined;
}

/**
 * Opens the account of a demo and lets billing events of its tenant come in, one a second, over HTTP as Stripe's would.
 *
 * @param origin where the application listens
 * @returns undefined where SQL is away: there is nobody then whose events they could be
 */
export async function startDemoFeed(
  app: NestFastifyApplication,
  origin: string,
): Promise<(DemoAccount & { readonly feed: SampleFeed }) | undefined> {
  try {
    const account = await openAccount(app);
    await app.get(CustomerTenants, { strict: false }).assign(CUSTOMER, account.tenantId);
    const settings = app.get(Settings).of(StripeWebhookSettings);
    const feed = new SampleFeed({
      webhook: `${origin}/v1/webhooks/stripe`,
      secret: () => keysOf(settings.secrets)[0] ?? '',
      owner: { customerId: CUSTOMER },
      clock: app.get(CLOCK),
      everyMs: EVERY_MS,
    });
    feed.start();
    return { ...account, feed };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    new Logger('Demo').warn('There is no account and no billing event in this demo', { reason: error.code });
    return undefined;
  }
}

async function openAccount(
  app: NestFastifyApplication,
): Promise<DemoAccount & { readonly tenantId: string }> {
  const users = app.get(Users, { strict: false });
  const tenants = app.get(Tenants, { strict: false });
  const db = app.get<FeatureDatabase>(getDatabaseToken('auth'), { strict: false });
  const address = normalizeEmail(EMAIL);
  if (!address) throw new Error('The address of the demo is none');
  const password = randomBytes(12).toString('base64url');
  const phc = await app.get(Passwords, { strict: false }).hashNew(password, address.key);
  const { user, created } = await db.transaction(async (tx) => {
    const registered = await users.register(tx, address, phc);
    await users.verifyEmail(tx, registered.user.id, address.key);
    return registered;
  });
  const personal = (await tenants.membershipsOf(user.id)).find((membership) => membership.personal);
  if (!personal) throw new Error('The account of the demo has no tenant of its own');
  const { tenantId } = personal;
  await tenants.rename({ userId: user.id, tenantId }, TENANT);
  return { email: EMAIL, password: created ? password : undefined, tenantId };
}
