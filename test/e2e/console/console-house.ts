import { freePort } from '../../support/free-port.js';
import { type RunningApplication, startApplication } from '../../support/application.js';
import { freshDatabase } from '../../support/postgres.js';
import { productionSecrets } from '../../support/production-settings.js';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { deliver, signDelivery } from '../../../src/billing/webhook/samples/deliver.js';
import { sampleEvent } from '../../../src/billing/webhook/samples/sample-events.js';
import { type BuiltInPurpose, PURPOSES } from '../../../src/redis/index.js';

const PURPOSE_NAMES = Object.keys(PURPOSES) as BuiltInPurpose[];

/** A demo on real servers: it has an account to sign in with, and events of its tenant come in every second. */
export interface ConsoleHouse {
  readonly url: string;
  readonly servers: Readonly<Record<BuiltInPurpose, RedisServer>>;
  application(): RunningApplication;
  /** Delivers an event of this type about the tenant's customer, as Stripe would. @returns status of the webhook */
  deliver(type: string): Promise<number>;
  /** Ends the process as a crash would and starts the next one at the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** @param env variables beside those of the servers */
export async function openConsoleHouse(env: Readonly<Record<string, string>> = {}): Promise<ConsoleHouse> {
  const started = await Promise.all(
    PURPOSE_NAMES.map(async (name) => [name, await startRedisServer({ appendonly: true })] as const),
  );
  const servers = Object.fromEntries(started) as Record<BuiltInPurpose, RedisServer>;
  const port = await freePort();
  const settings = {
    APP_PROFILE: 'demo',
    PORT: String(port),
    DATABASE_URL: await freshDatabase(),
    ...Object.fromEntries(
      started.map(([name, server]) => [`${PURPOSES[name].env}_URL`, `redis://127.0.0.1:${server.port}`]),
    ),
    // What one process sealed, the next one opens.
    ...productionSecrets(),
    ...env,
  };
  const secret = String(productionSecrets()['STRIPE_WEBHOOK_SECRET']);
  let application = await startApplication(settings);
  return {
    url: `${application.origin}/console`,
    servers,
    application: () => application,
    deliver: async (type) => {
      const createdS = Math.floor(Date.now() / 1000);
      const sample = sampleEvent('customer.created', { customerId: 'cus_acme' }, { createdS, period: 1 });
      const delivery = signDelivery({ ...sample, type }, secret, createdS);
      return (await deliver(`${application.origin}/v1/webhooks/stripe`, delivery)).status;
    },
    restart: async () => {
      application.process.kill('SIGKILL');
      await application.exit;
      application = await startApplication(settings);
    },
    stop: async () => {
      application.process.kill('SIGTERM');
      await application.exit;
      await Promise.all(started.map(([, server]) => server.stop()));
    },
  };
}
