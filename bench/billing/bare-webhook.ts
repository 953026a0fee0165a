import { type IncomingMessage, createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { Redis } from 'ioredis';
import Stripe from 'stripe';
import { PACKING } from '../../src/billing/log/packing.js';
import {
  LOG_KEY,
  SEQUENCES_KEY,
  TENANTS_KEY,
  eventKey,
  objectKey,
  tenantKey,
} from '../../src/billing/log/keys.js';
import { readStripeEvent } from '../../src/billing/webhook/stripe-event.js';
import { toBillingEvent } from '../../src/billing/webhook/to-billing-event.js';
import { listen } from './bare-servers.js';
import type { Address, Contestant, Ground } from './contestant.js';

const SCRIPT = new URL('../../src/billing/log/scripts/append.lua', import.meta.url);
const TOLERANCE_S = 300;
const MARK_S = 35 * 86_400;

/** The least that does the same: Stripe's own verification, the product's script, the same bytes in every entry. */
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
  const event = readStripeEvent(JSON.parse(text));
  const { eventId, type, tenantId, createdS, objectId, data } = toBillingEvent(event, event.tenantHint, text);
  const keys = [
    LOG_KEY,
    SEQUENCES_KEY,
    TENANTS_KEY,
    tenantKey(tenantId),
    eventKey(eventId),
    objectKey(objectId),
  ];
  const packed = deflateRawSync(text, PACKING);
  const values = [MARK_S, tenantId, type, eventId, createdS, objectId, data, packed, 0];
  const [answer = '!'] = (await redis.evalsha(sha, keys.length, ...keys, ...values)) as string[];
  if (answer.startsWith('!')) throw new Error(answer);
  return answer.endsWith('.1');
}

function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.once('end', () => resolve(Buffer.concat(parts)));
    request.once('error', reject);
  });
}
