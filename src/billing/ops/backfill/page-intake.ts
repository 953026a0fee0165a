import { AppError } from '../../../kernel/errors.js';
import type { Clock } from '../../../kernel/time.js';
import { BillingEventRefusedError } from '../../log/billing-log.errors.js';
import type { Ingest } from '../../webhook/ingest.js';
import { type StripeEvent, readStripeEvent } from '../../webhook/stripe-event.js';
import { MalformedEventError } from '../../webhook/webhook.errors.js';
import { InterruptedError } from '../ops.errors.js';
import type { ListedEvent } from './event-list.js';
import { pauseMs } from './patience.js';
import { sleep } from './sleep.js';

/** What became of events. */
export interface Intake {
  /** Kept, whether or not anybody knows whose they are. */
  taken: number;
  /** Were there before. */
  duplicates: number;
  /** Cannot be kept, whatever is tried. */
  refused: number;
}

/** Fewer leave the connection idle, more only wait in it. */
const IN_FLIGHT = 64;
/** With pauses of up to half a minute each. */
const MOST_TRIES = 10;

/**
 * Hands a page of events to where the webhook's go as well, many at a time; those of one object one after the other, so
 * that none looks late because a later one was faster.
 */
export class PageIntake {
  constructor(
    private readonly ingest: Ingest,
    private readonly clock: Clock,
    private readonly onRefused: (eventId: string) => void,
  ) {}

  /**
   * @param events oldest first
   * @throws RedisUnavailableError, DatabaseUnavailableError where that lasts; InterruptedError. Some are kept then
   */
  async take(events: readonly ListedEvent[], signal: AbortSignal): Promise<Intake> {
    const intake: Intake = { taken: 0, duplicates: 0, refused: 0 };
    const turns = new Map<string, Promise<void>>();
    let next = 0;
    const line = async () => {
      while (next < events.length && !signal.aborted) {
        const listed = events[next] as ListedEvent;
        next += 1;
        const event = this.read(listed, intake);
        if (!event) continue;
        const turn = this.inTurn(turns.get(event.objectId), { event, listed, intake, signal });
        if (event.objectId) turns.set(event.objectId, turn);
        await turn;
      }
    };
    const lines = Array.from({ length: Math.min(IN_FLIGHT, events.length) }, line);
    const ends = await Promise.allSettled(lines);
    // Only after all of them: whoever goes on would otherwise meet what is still on its way.
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    if (next < events.length) throw new InterruptedError();
    return intake;
  }

  private read(listed: ListedEvent, intake: Intake): StripeEvent | undefined {
    try {
      return readStripeEvent(listed);
    } catch (error) {
      if (!(error instanceof MalformedEventError)) throw error;
      this.refuse(listed, intake);
      return undefined;
    }
  }

  private refuse({ id }: ListedEvent, intake: Intake): void {
    intake.refused += 1;
    this.onRefused(id);
  }

  private async inTurn(before: Promise<void> | undefined, one: OneEvent): Promise<void> {
    const { event, listed, intake, signal } = one;
    // Where that one failed, the whole page does.
    await before;
    const raw = JSON.stringify(listed);
    for (let tries = 1; ; tries += 1) {
      try {
        const { duplicate } = await this.ingest.keep(event, raw, 'backfill');
        intake[duplicate ? 'duplicates' : 'taken'] += 1;
        return;
      } catch (error) {
        if (error instanceof BillingEventRefusedError) return this.refuse(listed, intake);
        const away = error instanceof AppError && error.status === 503;
        if (!away || tries === MOST_TRIES) throw error;
        await sleep(pauseMs(tries, undefined, Math.random()), this.clock, signal);
      }
    }
  }
}

interface OneEvent {
  readonly event: StripeEvent;
  readonly listed: ListedEvent;
  readonly intake: Intake;
  readonly signal: AbortSignal;
}
