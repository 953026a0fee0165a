import type { Metrics } from '../../telemetry/index.js';
import { typeLabel } from './event-types.js';
import type { StripeEvent } from './stripe-event.js';

/** Whoever signs may name any type; beyond this many they are counted and no more. */
const MOST_TYPES = 1000;
type Seen = 'thin' | 'snapshot' | 'both';

/**
 * Notices that Stripe delivers a type in both styles. Whichever of the two comes first is kept, and a thin event has no
 * object, so that what is kept of such a type is a matter of chance until one of the subscriptions is ended.
 */
export class EventStyles {
  private readonly seen = new Map<string, Seen>();

  /** @param onBoth is told of each type once in the life of the process */
  constructor(
    private readonly metrics: Pick<Metrics, 'billingWebhookTwins'>,
    private readonly onBoth: (type: string) => void,
  ) {}

  /** @param event of a delivery that Stripe signed */
  note({ type, hasTwin = false }: Pick<StripeEvent, 'type' | 'hasTwin'>): void {
    if (hasTwin) this.metrics.billingWebhookTwins.child({ type: typeLabel(type) }).inc();
    const style = hasTwin ? 'thin' : 'snapshot';
    const before = this.seen.get(type);
    if (before === style || before === 'both') return;
    if (before === undefined && this.seen.size >= MOST_TYPES) return;
    this.seen.set(type, before === undefined ? style : 'both');
    if (before !== undefined) this.onBoth(type);
  }
}
