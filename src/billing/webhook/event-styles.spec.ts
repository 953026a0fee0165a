import { describe, expect, it } from 'vitest';
import { Metrics } from '../../telemetry/index.js';
import { EventStyles } from './event-styles.js';

const PAID = { type: 'invoice.paid' };
const PAID_THIN = { ...PAID, hasTwin: true };

function noticed(...events: readonly Parameters<EventStyles['note']>[0][]) {
  const metrics = new Metrics();
  const both: string[] = [];
  const styles = new EventStyles(metrics, (type) => both.push(type));
  for (const event of events) styles.note(event);
  return { metrics, both };
}

describe('The styles of deliveries', () => {
  it('are told once for each type that comes in both, whichever came first', () => {
    const voided = { type: 'invoice.voided' };
    expect(noticed(PAID, PAID_THIN, PAID, PAID_THIN).both).toEqual(['invoice.paid']);
    expect(
      noticed(PAID_THIN, { ...voided, hasTwin: true }, PAID, PAID, { ...voided, hasTwin: true }, voided).both,
    ).toEqual(['invoice.paid', 'invoice.voided']);
  });

  it('are no matter where each type comes in one', () => {
    const others = [{ type: 'customer.created' }, { type: 'v2.billing.meter.no_meter_found' }];
    expect(noticed(PAID_THIN, ...others, PAID_THIN, ...others).both).toEqual([]);
  });

  it('are counted by known types: thin events that have a twin', async () => {
    const odd = { type: 'of.nobody', hasTwin: true };
    const { metrics } = noticed(PAID_THIN, PAID_THIN, PAID, odd);
    const text = await metrics.scrape();
    expect(text).toContain('billing_webhook_twins_total{type="invoice.paid"} 2');
    expect(text).toContain('billing_webhook_twins_total{type="other"} 1');
  });

  it('are remembered of a thousand types at most', () => {
    const types = Array.from({ length: 1001 }, (_, n) => ({ type: `type.n${n}` }));
    const twins = types.map(({ type }) => ({ type, hasTwin: true }));
    expect(noticed(...types, ...twins).both).toHaveLength(1000);
  });
});
