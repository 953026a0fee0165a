import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

/** Of the body of one delivery. */
export const BODY_BYTES = 4096;
const PATH = '/v1/webhooks/stripe';
const AT_ONCE = 1000;

export interface Deliveries {
  readonly file: string;
  readonly count: number;
  readonly secret: string;
  readonly tenantId: string;
}

/**
 * Writes whole requests, each with an event of its own, signed now.
 *
 * @returns bytes of one; all are equally long
 */
export function writeDeliveries({ file, count, secret, tenantId }: Deliveries): number {
  const nowS = Math.floor(Date.now() / 1000);
  const draw = (n: number) => requestOf(bodyOf(n, nowS, tenantId), secret, nowS);
  const out = openSync(file, 'w', 0o600);
  for (let n = 0; n < count; n += AT_ONCE) {
    const texts = Array.from({ length: Math.min(AT_ONCE, count - n) }, (_, at) => draw(n + at));
    writeSync(out, texts.join(''));
  }
  closeSync(out);
  return draw(0).length;
}

function requestOf(body: string, secret: string, nowS: number): string {
  const signature = createHmac('sha256', secret).update(`${nowS}.${body}`).digest('hex');
  const head = [
    `POST ${PATH} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    `Stripe-Signature: t=${nowS},v1=${signature}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** An invoice; as Stripe writes it, with an indentation, and with lines until it is large enough. */
function bodyOf(n: number, createdS: number, tenantId: string): string {
  const number = String(n).padStart(9, '0');
  const line = (at: number) => ({
    id: `il_${randomBytes(8).toString('hex')}`,
    object: 'line_item',
    amount: 1200 + at,
    currency: 'usd',
    metadata: { feature_key: 'seats' },
    period: { start: createdS, end: createdS },
    quantity: at,
  });
  const event = {
    id: `evt_${randomBytes(9).toString('hex')}${number}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: createdS,
    livemode: false,
    pending_webhooks: 1,
    type: 'invoice.paid',
    data: {
      object: {
        id: `in_${number}`,
        object: 'invoice',
        amount_due: 1200,
        amount_paid: 1200,
        currency: 'usd',
        customer: 'cus_bench',
        metadata: { tenant_id: tenantId },
        number,
        status: 'paid',
        lines: { object: 'list', data: Array.from({ length: 7 }, (_, at) => line(at)) },
        description: '',
      },
    },
  };
  const length = JSON.stringify(event, null, 2).length;
  event.data.object.description = 'x'.repeat(Math.max(0, BODY_BYTES - length));
  return JSON.stringify(event, null, 2);
}
