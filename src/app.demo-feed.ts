import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type DemoAccount, openAccount, openAdministrator } from './app.demo-accounts.js';
import { CustomerTenants } from './billing/webhook/customer-tenants.js';
import { keepDemoSecret } from './billing/webhook/samples/demo-secret.js';
import { SampleFeed } from './billing/webhook/samples/sample-feed.js';
import { StripeWebhookSettings } from './billing/webhook/webhook.config.js';
import { Settings } from './config/index.js';
import { HttpSettings } from './http/index.js';
import { AppError } from './kernel/errors.js';
import { keysOf } from './kernel/key-ring.js';
import { CLOCK } from './telemetry/index.js';

const CUSTOMER = 'cus_acme';
const EVERY_MS = 1_000;
const WEBHOOK_SECRET = 'STRIPE_WEBHOOK_SECRET';

export interface RunningDemo extends DemoAccount {
  /** Undefined where SQL outlives the demo: `admin create` makes one there. */
  readonly administrator: DemoAccount | undefined;
  readonly feed: SampleFeed;
}

/**
 * Opens the accounts of a demo and lets billing events of its tenant come in, one a second, over HTTP as Stripe's would.
 *
 * @param origin where the application listens
 * @returns undefined where SQL is away: there is nobody then whose events they could be
 */
export async function startDemoFeed(
  app: NestFastifyApplication,
  origin: string,
): Promise<RunningDemo | undefined> {
  try {
    const account = await openAccount(app);
    const administrator = await openAdministrator(app);
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
    return { ...account, administrator, feed };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    new Logger('Demo').warn('There is no account and no billing event in this demo', { reason: error.code });
    return undefined;
  }
}

/**
 * Lets `billing send` in the same folder reach this demo, where the secret was made up and nobody else can connect.
 *
 * @returns whether it does; also where the secret was given, which the command reads as well
 */
export function keepSecretOfDemo(settings: Settings, origin: string): boolean {
  if (!settings.generated.includes(WEBHOOK_SECRET)) return true;
  const host = settings.of(HttpSettings).listenHost(settings.profile);
  const secret = keysOf(settings.of(StripeWebhookSettings).secrets)[0] ?? '';
  return keepDemoSecret(host, Number(new URL(origin).port), secret);
}
