import type { Redis } from 'ioredis';
import { systemClock } from '../../src/kernel/time.js';
import { BillingLogSettings } from '../../src/billing/log/billing-log.config.js';
import { EventLog } from '../../src/billing/log/event-log.js';
import { LogNotes } from '../../src/billing/log/log-notes.js';
import type { BillingEvent } from '../../src/billing/log/log-entry.js';
import { Retention } from '../../src/billing/log/retention.js';
import { type Compartments, openCompartments } from '../support/compartments.js';

/** The n-th tenant. */
export const tenant = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** An event of the first tenant and of no object, unless `more` says otherwise. */
export function eventOf(eventId: string, more: Partial<BillingEvent> = {}): BillingEvent {
  const raw = JSON.stringify({ id: eventId, object: 'event', pad: 'é'.repeat(200) });
  const data = JSON.stringify({ stripe_event_id: eventId });
  return {
    eventId,
    type: 'invoice.paid',
    tenantId: tenant(1),
    createdS: 1_790_000_000,
    objectId: '',
    data,
    raw,
    ...more,
  };
}

/** The log through the lanes that the application has, with budgets that a busy machine keeps. */
export class LogRig {
  private constructor(
    readonly house: Compartments,
    readonly settings: BillingLogSettings,
    readonly log: EventLog,
  ) {}

  static async open(url: string, env: Readonly<Record<string, string>> = {}): Promise<LogRig> {
    const house = await openCompartments(['billingEvents'], {
      BILLING_EVENTS_REDIS_URL: url,
      BILLING_EVENTS_REDIS_COMMAND_MS: '10s',
      ...env,
    });
    const settings = Object.assign(new BillingLogSettings(), {
      retentionDays: 35,
      tenantRetentionDays: 7,
      mostEntries: 1_000_000,
    });
    const log = new EventLog(
      house.client('billingEvents'),
      house.lane('billingEvents', 'bulk'),
      settings,
      new LogNotes(house.metrics, systemClock),
    );
    return new LogRig(house, settings, log);
  }

  /** With other settings than those of the log. */
  retention(settings: Partial<BillingLogSettings> = {}): Retention {
    const own = Object.assign(new BillingLogSettings(), this.settings, settings);
    return new Retention(this.house.lane('billingEvents', 'bulk'), own, this.house.metrics, systemClock);
  }

  async counted(
    metric: 'billingForeignEntries' | 'billingTrimHeld' | 'billingTrimmedEntries',
  ): Promise<number> {
    const { values } = await this.house.metrics[metric].get();
    return values.reduce((sum, { value }) => sum + value, 0);
  }

  close(): Promise<void> {
    return this.house.close();
  }
}

/** Puts an entry of ours where the clock cannot: into the past, or far ahead. */
export function plant(redis: Redis, key: string, id: string, sequence: number) {
  const fields = {
    t: tenant(1),
    y: 'invoice.paid',
    e: `evt_${id}`,
    c: '1790000000',
    o: '',
    s: sequence,
    f: '',
  };
  return redis.xadd(key, id, ...Object.entries(fields).flatMap(([name, value]) => [name, value]), 'd', '{}');
}
