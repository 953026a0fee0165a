import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { EventLog } from '../../src/billing/log/event-log.js';
import type { BillingEvent } from '../../src/billing/log/log-entry.js';
import { LogModule } from '../../src/billing/log/log.module.js';
import { RedisTestingModule } from '../../src/redis/index.js';

/** Of an event on the wire: `id:`, `event:`, `data:` and the ends of their lines. */
export const EVENT_BYTES = 621;
const AROUND_BYTES = 'id: 1700000000000-0.1000\nevent: invoice.paid\ndata: \n\n'.length;
const TICK_MS = 5;

/** Appends to a log as the product does it, from a process that is not measured. */
export class Publisher {
  private constructor(
    private readonly log: EventLog,
    private readonly tenantId: string,
    readonly close: () => Promise<void>,
  ) {}

  static async open(billingUrl: string, tenantId: string): Promise<Publisher> {
    const env = { BILLING_EVENTS_REDIS_URL: billingUrl };
    const house = await RedisTestingModule.forFeatures([LogModule], { env });
    const app = await NestFactory.createApplicationContext(house, { logger: false });
    return new Publisher(app.get(EventLog, { strict: false }), tenantId, () => app.close());
  }

  /** All at once. @returns number of the last one */
  async burst(count: number, bytes = EVENT_BYTES): Promise<number> {
    const outcomes = await Promise.all(Array.from({ length: count }, () => this.append(bytes)));
    return Math.max(...outcomes);
  }

  /** At an even pace. @returns number of the last one, and how many there were */
  async stream({ perSecond, seconds, bytes = EVENT_BYTES }: Pace): Promise<{ last: number; count: number }> {
    const appended: Promise<number>[] = [];
    const startMs = performance.now();
    for (let due = 0; due < perSecond * seconds;) {
      due = Math.min(Math.floor(((performance.now() - startMs) / 1000) * perSecond), perSecond * seconds);
      while (appended.length < due) appended.push(this.append(bytes));
      await sleep(TICK_MS);
    }
    const numbers = await Promise.all(appended);
    return { last: numbers.reduce((most, one) => Math.max(most, one), 0), count: numbers.length };
  }

  private async append(bytes: number): Promise<number> {
    return (await this.log.append(eventOf(this.tenantId, bytes))).tenantSequence;
  }
}

export interface Pace {
  readonly perSecond: number;
  readonly seconds: number;
  /** Of one event on the wire. */
  readonly bytes?: number;
}

/** An invoice of one tenant, filled up to the size. */
function eventOf(tenantId: string, bytes: number): BillingEvent {
  const eventId = `evt_${randomBytes(12).toString('hex')}`;
  const createdS = Math.floor(Date.now() / 1000);
  const objectId = `in_${randomBytes(6).toString('hex')}`;
  const fields = {
    tenant_id: tenantId,
    event_type: 'invoice.paid',
    stripe_event_id: eventId,
    occurred_at: new Date(createdS * 1000).toISOString(),
    summary: 'Invoice paid',
    status: 'paid',
    invoice: { id: objectId, amount_due: 1200, amount_paid: 1200, currency: 'usd', number: 'SAMPLE-0001' },
    filling: '',
  };
  const length = JSON.stringify(fields).length;
  fields.filling = 'x'.repeat(Math.max(0, bytes - AROUND_BYTES - length));
  const data = JSON.stringify(fields);
  const raw = JSON.stringify({
    id: eventId,
    object: 'event',
    type: 'invoice.paid',
    data: { object: fields },
  });
  return { eventId, type: 'invoice.paid', tenantId, createdS, objectId, data, raw };
}
