import { type IncomingMessage, createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { Redis } from 'ioredis';
import Stripe from 'stripe';
import {
  LOG_KEY,
  SEQUENCES_KEY,
  TENANTS_KEY,
  eventKey,
  objectKey,
  tenantKey,
} from '../../src/billing/log/keys.js';
import { listen } from './bare-servers.js';
import type { Address, Contestant, Ground } from './contestant.js';

const SCRIPT = new URL('../../src/billing/log/scripts/append.lua', import.meta.url);
const TOLERANCE_S = 300;
const MARK_S = 35 * 86_400;

interface InvoiceEvent {
  readonly id: string;
  readonly type: string;
  readonly created: number;
  readonly data: {
    readonly object: {
      readonly id: string;
      readonly status: string;
      readonly metadata: { readonly tenant_id: string };
    };
  };
}

/** The least that does the same: Stripe's own verification, the product's script, an entry with the same fields. */
export const BARE_WEBHOOK = {
  'bare-webhook': { title: 'node:http, verify + the same append', open: openBare },
} as const satisfies Record<string, Contestant>;

async function openBare({ billingUrl, webhookSecret }: Ground): Promise<Address> {
  const redis = new Redis(billingUrl);
  const sha = String(await redis.script('LOAD', readFileSync(SCRIPT, 'utf8')));
  const server = createServer((request, response) => {
    take(request, redis, { sha, webhookSecret }).then(
      (duplicate) => {
        const body = JSON.stringify({ received: true, duplicate });
        response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
          .end(body);
      },
      () => response.writeHead(400).end(),
    );
  });
  return { port: await listen(server), path: '/v1/webhooks/stripe', tokens: [] };
}

async function take(
  request: IncomingMessage,
  redis: Redis,
  { sha, webhookSecret }: { readonly sha: string; readonly webhookSecret: string },
): Promise<boolean> {
  const text = (await bodyOf(request)).toString('utf8');
  const header = String(request.headers['stripe-signature']);
  Stripe.webhooks.signature?.verifyHeader(text, header, webhookSecret, TOLERANCE_S);
  const event = JSON.parse(text) as InvoiceEvent;
  const { object } = event.data;
  const tenant = object.metadata.tenant_id;
  const data = JSON.stringify({
    tenant_id: tenant,
    event_type: event.type,
    stripe_event_id: event.id,
    occurred_at: new Date(event.created * 1000).toISOString(),
    summary: 'Invoice paid',
    status: object.status,
    invoice: object,
  });
  const keys = [
    LOG_KEY,
    tenantKey(tenant),
    SEQUENCES_KEY,
    eventKey(event.id),
    TENANTS_KEY,
    objectKey(object.id),
  ];
  const packed = deflateRawSync(text, { level: 1, memLevel: 4 });
  const values = [tenant, event.type, event.id, event.created, object.id, data, packed, 0, MARK_S];
  const reply = (await redis.evalsha(sha, keys.length, ...keys, ...values)) as string[];
  return reply[2] === '1';
}

function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.once('end', () => resolve(Buffer.concat(parts)));
    request.once('error', reject);
  });
}
