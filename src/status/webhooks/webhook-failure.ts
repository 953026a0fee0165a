export const WEBHOOK_REASONS = [
  'target-refused',
  'address-refused',
  'dns',
  'timeout',
  'tls',
  'connection',
  'redirect',
  'status-4xx',
  'status-5xx',
  'gone',
] as const;
export type WebhookReason = (typeof WEBHOOK_REASONS)[number];

/** Why a webhook did not take a message. Holds nothing of the URL and nothing that the other side said. */
export class WebhookFailure extends Error {
  /** @param retryAfterMs how long the receiver asks to be left alone */
  constructor(
    readonly reason: WebhookReason,
    readonly retryAfterMs?: number,
  ) {
    super(`The webhook did not take the message (${reason})`);
    this.name = 'WebhookFailure';
  }
}
