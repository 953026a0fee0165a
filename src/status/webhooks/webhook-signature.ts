import { createHmac, randomBytes } from 'node:crypto';

/** `whsec_` and 32 random bytes; the text as a whole is the key. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64url')}`;
}

/**
 * The header `X-Bulkhead-Signature: t=<seconds since the epoch>,v1=<hex>`: HMAC-SHA-256 over `<t>.<body>` with the bytes
 * of the secret as the key.
 *
 * A receiver takes the body as the bytes that came, computes the same over `t` of the header, compares in constant time,
 * and refuses a `t` that is more than five minutes off. It ignores names beside `t` and `v1`. Each attempt is signed
 * anew; `X-Bulkhead-Delivery` is the same for all attempts, so that a repetition can be told.
 */
export function signatureOf(secret: string, seconds: number, body: string): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${mac}`;
}
