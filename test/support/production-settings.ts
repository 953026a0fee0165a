import { createHash } from 'node:crypto';
import { AccessSettings } from '../../src/access/access.config.js';
import { AuthSettings } from '../../src/auth/auth.config.js';
import { BillingStreamSettings } from '../../src/billing/stream/stream.config.js';
import { StripeWebhookSettings } from '../../src/billing/webhook/webhook.config.js';
import { type Environment, variablesOf } from '../../src/config/index.js';
import { PasswordSettings } from '../../src/identity/passwords/password.config.js';
import { MailSettings } from '../../src/mail/mail.config.js';
import { SecurityTokenPeppers } from '../../src/security-tokens/security-tokens.config.js';
import { StatusSettings } from '../../src/status/status.config.js';

const CLASSES = [
  AccessSettings,
  AuthSettings,
  PasswordSettings,
  MailSettings,
  SecurityTokenPeppers,
  StripeWebhookSettings,
  BillingStreamSettings,
  StatusSettings,
];

/** Every secret that a local profile would make up, each one a canary that must not show anywhere. */
export function productionSecrets(): Environment {
  const secrets = CLASSES.flatMap((type) => variablesOf(type))
    .filter(({ ownSecret }) => ownSecret)
    .map(({ name }) => [
      name,
      name === 'AUTH_SIGNING_KEYS' ? seed(name) : `${prefixOf(name)}canary-${name}-${'z'.repeat(32)}`,
    ]);
  return Object.fromEntries(secrets) as Environment;
}

/**
 * What the house wants in staging and production beside its Redis servers: those secrets, and addresses. Nobody listens at that of SQL, so its compartment is closed and the start goes on.
 */
export function productionSettings(): Environment {
  return {
    ...productionSecrets(),
    APP_PUBLIC_URL: 'https://app.example.com',
    DATABASE_URL: 'postgres://bulkhead:canary-sql@127.0.0.1:9/bulkhead?sslmode=verify-full',
    DATABASE_START_DEADLINE_MS: '1s',
    MAIL_URL: 'smtps://bulkhead:canary-mail@127.0.0.1:9',
    MAIL_FROM: 'bulkhead@example.com',
  };
}

/** Without it the start warns. */
function prefixOf(name: string): string {
  return name === 'STRIPE_WEBHOOK_SECRET' ? 'whsec_' : '';
}

/** An Ed25519 seed has 32 bytes. */
function seed(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}
