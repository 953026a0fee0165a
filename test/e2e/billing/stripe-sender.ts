import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { newAddress } from '../auth/caller.js';
import type { Instance } from '../auth/house.js';

export type StripeFields = Readonly<Record<string, unknown>>;

export interface DeliveryAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Of a JSON body; empty without one. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface DeliveryOptions {
  readonly secret?: string;
  /** Seconds since the epoch; now when unset. */
  readonly timeS?: number;
  readonly address?: string;
}

/** Delivers events as Stripe does, over HTTP and without its package, each from an address of its own. */
export class StripeSender {
  constructor(
    private readonly instance: Instance,
    private readonly secret: string,
  ) {}

  /** Signs what is sent: a text as it is, anything else as JSON. */
  deliver(event: unknown, { secret = this.secret, timeS = nowS(), address }: DeliveryOptions = {}) {
    const body = typeof event === 'string' ? event : JSON.stringify(event);
    return this.post(body, ['stripe-signature', signature(body, secret, timeS)], address);
  }

  /** @param headers names and values in turn, so that a header can be there twice */
  post(
    body: string | Buffer,
    headers: readonly string[],
    address = newAddress(),
    type = 'application/json',
  ): Promise<DeliveryAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request(`${this.instance.origin}/v1/webhooks/stripe`, {
        method: 'POST',
        headers: [
          'host',
          'localhost',
          'content-type',
          type,
          'content-length',
          String(Buffer.byteLength(body)),
          'x-forwarded-for',
          address,
          ...headers,
        ],
      });
      sent.once('error', reject);
      sent.once('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(parts).toString();
          const json = /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(text) : {};
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: json as DeliveryAnswer['body'],
          });
        });
      });
      sent.end(body);
    });
  }
}

export function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

export function signature(body: string, secret: string, timeS = nowS()): string {
  return `t=${timeS},v1=${createHmac('sha256', secret).update(`${timeS}.${body}`).digest('hex')}`;
}

/** Events that Stripe has sent, of 71 types; each with an id that no other one has. */
export function realEvents(): StripeFields[] {
  const lines = readFileSync('test/data/stripe/events-sync-engine.jsonl', 'utf8').trim().split('\n');
  return lines.map((line) => ({ ...(JSON.parse(line) as StripeFields), id: freshId() }));
}

export function freshId(): string {
  return `evt_${randomUUID().replaceAll('-', '')}`;
}

/** An event about an invoice that names a customer and, where one is given, a tenant. */
export function invoiceEvent(customer: string, object: StripeFields = {}): StripeFields {
  return {
    id: freshId(),
    object: 'event',
    type: 'invoice.paid',
    created: nowS(),
    data: { object: { id: `in_${customer}`, object: 'invoice', customer, status: 'paid', ...object } },
  };
}
