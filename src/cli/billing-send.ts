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
import { EXIT } from '../kernel/errors.js';
import { keysOf } from '../kernel/key-ring.js';
import { printable, redactText } from '../kernel/redact.js';
import type { SendOptions } from './billing-send.command.js';
import { type CliContext, type ExitCode, UsageError } from './cli-context.js';

const SECRET = 'STRIPE_WEBHOOK_SECRET';
const PATH = '/v1/webhooks/stripe';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NAME = /^[\w.-]{1,60}$/;

/** @throws UsageError */
export async function sendSample({ type, tenant, url }: SendOptions, context: CliContext): Promise<ExitCode> {
  const { output } = context;
  const webhook = webhookAt(url);
  const owner = ownerOf(tenant);
  const known = typeOf(type);
  const found = await secretOf(context);
  if ('refusal' in found) {
    output.err(redactText(found.refusal));
    return EXIT.config;
  }
  const createdS = Math.floor(Date.now() / 1000);
  const event = sampleEvent(known, owner, { createdS, period: 1 });
  try {
    const answer = await deliver(webhook, signDelivery(event, found.secret, createdS));
    return report(answer, `${known} ${String(event['id'])} of ${owner.customerId}`, context);
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    const reason: unknown = Reflect.get(cause instanceof Error ? cause : (error as Error), 'code');
    const said = typeof reason === 'string' ? reason : 'no answer within 10 seconds';
    output.err(`Nobody took the event at ${webhook} (${said}). Is the application running there? See --url.`);
    return EXIT.unavailable;
  }
}

function report({ status, body }: DeliveryAnswer, what: string, { output }: CliContext): ExitCode {
  const fields = typeof body === 'object' && body !== null ? body : {};
  if (status === 200) {
    output.out(`Taken in: ${what}.`);
    return EXIT.ok;
  }
  const detail: unknown = Reflect.get(fields, 'detail');
  const said = typeof detail === 'string' ? ` ${printable(detail, 200)}` : '';
  output.err(`The application answered ${status}.${said}`);
  if (Reflect.get(fields, 'reason') === 'forged')
    output.err(
      `It has another ${SECRET}: start both with the same one. A demo makes one up unless it is given.`,
    );
  return status === 503 ? EXIT.unavailable : EXIT.config;
}

/** From the environment of this command alone, else from what a start would have: a `.env` file, or the one of development. */
async function secretOf({
  application,
  environment,
}: CliContext): Promise<{ readonly secret: string } | { readonly refusal: string }> {
  if (environment[SECRET] || environment[`${SECRET}_FILE`]) {
    const { settings, faults } = judge([ConfigModule.forFeature(StripeWebhookSettings)], environment);
    return faults.length > 0 ? { refusal: formatFaults(faults).join('\n') } : firstSecret(settings);
  }
  const started = await (await application()).start();
  if (!('refusal' in started) && !isMadeUp(started.settings)) return firstSecret(started.settings);
  return {
    refusal: `${SECRET} is not known: set it to the value that the application has, so that the event can be signed.`,
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

function webhookAt(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UsageError('--url must be where the application listens, http://… or https://…');
  if (url.username || url.password || url.search || url.hash)
    throw new UsageError('--url must hold no user and no password, and end before "?" and "#"');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}${PATH}`;
}
