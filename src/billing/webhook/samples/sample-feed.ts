import { Logger } from '@nestjs/common';
import type { Clock, Timer } from '../../../kernel/time.js';
import { RepeatGuard } from '../../../telemetry/index.js';
import { deliver, signDelivery } from './deliver.js';
import { type SampleOwner, type SampleType, sampleEvent } from './sample-events.js';

/** What happens in each period of a subscription, in this order. */
const PERIOD: readonly SampleType[] = [
  'invoice.created',
  'invoice.finalized',
  'charge.succeeded',
  'invoice.paid',
  'customer.subscription.updated',
];
const BEGINNING: readonly SampleType[] = ['customer.created', 'customer.subscription.created'];
const WARN_MS = 60_000;

export interface SampleFeedOptions {
  /** Address of the webhook. */
  readonly webhook: string;
  /** Made at each use, so that no copy of it is kept. */
  readonly secret: () => string;
  readonly owner: SampleOwner;
  readonly clock: Clock;
  readonly everyMs: number;
}

/** Delivers made-up events to a webhook, one after the other, as Stripe would: so that a demo has something to show. */
export class SampleFeed {
  private readonly logger = new Logger('Demo');
  private readonly guard: RepeatGuard;
  private timer: Timer | undefined;
  private stopped = false;
  private sent = 0;

  constructor(private readonly options: SampleFeedOptions) {
    this.guard = new RepeatGuard(options.clock, WARN_MS);
  }

  /** The first event leaves at once; each further one when the last was answered and its time has come. */
  start(): void {
    void this.next();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private async next(): Promise<void> {
    await this.send().catch((error: unknown) => this.warn(error instanceof Error ? error.name : 'unknown'));
    if (this.stopped) return;
    const { clock, everyMs } = this.options;
    this.timer = clock.after(everyMs, () => void this.next());
  }

  private async send(): Promise<void> {
    const { webhook, secret, owner, clock } = this.options;
    const createdS = Math.floor(clock.nowMs() / 1000);
    const { type, period } = stepOf(this.sent);
    const event = sampleEvent(type, owner, { createdS, period });
    const { status } = await deliver(webhook, signDelivery(event, secret(), createdS));
    if (status === 200) this.sent += 1;
    else this.warn(`status ${status}`);
  }

  private warn(reason: string): void {
    if (this.stopped) return;
    this.guard.once(reason, () => this.logger.warn('A sample event was not taken in', { reason }));
  }
}

function stepOf(sent: number): { readonly type: SampleType; readonly period: number } {
  const first = BEGINNING[sent];
  if (first) return { type: first, period: 1 };
  const step = sent - BEGINNING.length;
  const period = 1 + Math.floor(step / PERIOD.length);
  return { type: PERIOD[step % PERIOD.length] as SampleType, period };
}
