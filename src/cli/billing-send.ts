import { demoPorts, demoSecretAt } from '../billing/webhook/samples/demo-secret.js';
import { type DeliveryAnswer, deliver, signDelivery } from '../billing/webhook/samples/deliver.js';
import {
  SAMPLE_TYPES,
  type SampleOwner,
  type SampleType,
  isSampleType,
  sampleEvent,
} from '../billing/webhook/samples/sample-events.js';
import { StripeWebhookSettings } from '../billing/webhook/webhook.config.js';
import { ConfigModule, type Settings, formatFaults, judge } from '../config/index.js';
import { HttpSettings } from '../http/index.js';
import { EXIT } from '../kernel/errors.js';
import { keysOf } from '../kernel/key-ring.js';
import { printable, redactText } from '../kernel/redact.js';
import type { SendOptions } from './billing-send.command.js';
import { type CliContext, type ExitCode, UsageError } from './cli-context.js';

const SECRET = 'STRIPE_WEBHOOK_SECRET';
const PATH = '/v1/webhooks/stripe';
const DEFAULT_PORT = 3000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NAME = /^[\w.-]{1,60}$/;

/** @throws UsageError */
export async function sendSample({ type, tenant, url }: SendOptions, context: CliContext): Promise<ExitCode> {
  const { output } = context;
  const webhook = webhookAt(url ?? (await ownOrigin(context)));
  const owner = ownerOf(tenant);
  const known = typeOf(type);
  const found = await secretOf(context, webhook);
  if ('refusal' in found) {
    output.err(redactText(found.refusal));
    return EXIT.config;
  }
  const createdS = Math.floor(Date.now() / 1000);
  const event = sampleEvent(known, owner, { createdS, period: 1 });
  try {
    const answer = await deliver(webhook, signDelivery(event, found.secret, createdS));
    const what = `${known} ${String(event['id'])} of ${owner.customerId}`;
    return report(answer, { what, webhook, customerId: owner.customerId }, context);
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    const reason: unknown = Reflect.get(cause instanceof Error ? cause : (error as Error), 'code');
    const said = typeof reason === 'string' ? reason : 'no answer within 10 seconds';
    output.err(
      `Nobody took the event at ${webhook} (${said}). Is the application running there? See --url.${otherDemos(webhook)}`,
    );
    return EXIT.unavailable;
  }
}

interface Sent {
  readonly what: string;
  readonly webhook: string;
  readonly customerId: string;
}

function report(
  { status, body }: DeliveryAnswer,
  { what, webhook, customerId }: Sent,
  { output }: CliContext,
): ExitCode {
  const fields = typeof body === 'object' && body !== null ? body : {};
  if (status === 200) {
    output.out(`Taken in: ${what}, at ${webhook}.`);
    if (Reflect.get(fields, 'unassigned') === true) {
      const customer = `${webhook.slice(0, -PATH.length)}/v1/billing/customers/${customerId}`;
      output.out(
        `It belongs to nobody yet: PUT ${customer} with {"tenant_id": "…"} and OPS_TOKEN as bearer token, ` +
          'then: billing replay --tenant _unassigned --to assign --yes',
      );
    }
    return EXIT.ok;
  }
  const detail: unknown = Reflect.get(fields, 'detail');
  const said = typeof detail === 'string' ? ` ${printable(detail, 200)}` : '';
  output.err(`The application at ${webhook} answered ${status}.${said}`);
  if (Reflect.get(fields, 'reason') === 'forged')
    output.err(
      `It has another ${SECRET}: start both with the same one. A demo makes one up unless it is given; it is known in the folder where that was started.${otherDemos(webhook)}`,
    );
  return status === 503 ? EXIT.unavailable : EXIT.config;
}

/**
 * From the environment of this command alone, else of the demo that runs there, else from what a start would have: a `.env`
 * file, or the one of development.
 */
async function secretOf(
  { application, environment }: CliContext,
  webhook: string,
): Promise<{ readonly secret: string } | { readonly refusal: string }> {
  if (environment[SECRET] || environment[`${SECRET}_FILE`]) {
    const { settings, faults } = judge([ConfigModule.forFeature(StripeWebhookSettings)], environment);
    return faults.length > 0 ? { refusal: formatFaults(faults).join('\n') } : firstSecret(settings);
  }
  const demo = demoSecretAt(webhook);
  if (demo !== undefined) return { secret: demo };
  const started = await (await application()).start();
  if (!('refusal' in started) && !isMadeUp(started.settings)) return firstSecret(started.settings);
  return {
    refusal: `${SECRET} is not known: set it to the value that the application has, so that the event can be signed.${otherDemos(webhook)}`,
  };
}

function firstSecret(settings: Settings): { readonly secret: string } {
  return { secret: keysOf(settings.of(StripeWebhookSettings).secrets)[0] ?? '' };
}

/** Made for this process only; the one of development is kept in a file that the application reads too. */
function isMadeUp({ generated, profile }: Settings): boolean {
  return profile === 'demo' && generated.includes(SECRET);
}

function typeOf(type: string): SampleType {
  if (isSampleType(type)) return type;
  throw new UsageError(`--type must be one of ${SAMPLE_TYPES.join(', ')}`);
}

function ownerOf(tenant: string): SampleOwner {
  if (UUID.test(tenant)) return { customerId: `cus_${tenant}`, tenantId: tenant };
  if (NAME.test(tenant)) return { customerId: `cus_${tenant}` };
  throw new UsageError(
    '--tenant must be the id of a tenant, or a name of letters, digits, points and hyphens',
  );
}

/** Where an application with these settings listens. */
async function ownOrigin({ application, environment }: CliContext): Promise<string> {
  const local = (port: string | number) => `http://127.0.0.1:${port}`;
  if (environment['PORT']) return local(environment['PORT']);
  const started = await (await application()).start();
  // A demo lives beside settings that a start would refuse.
  return local('refusal' in started ? DEFAULT_PORT : started.settings.of(HttpSettings).port);
}

/** Those that were meant, perhaps. */
function otherDemos(webhook: string): string {
  const origins = demoPorts()
    .map((port) => `http://127.0.0.1:${port}`)
    .filter((origin) => webhookAt(origin) !== webhook);
  return origins.length === 0
    ? ''
    : ` A demo that was started in this folder runs at ${origins.join(', ')}: give --url.`;
}

function webhookAt(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UsageError('--url must be where the application listens, http://… or https://…');
  if (url.username || url.password || url.search || url.hash)
    throw new UsageError('--url must hold no user and no password, and end before "?" and "#"');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}${PATH}`;
}
