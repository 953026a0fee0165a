import type { Clock } from '../../../kernel/time.js';
import { BillingEventRefusedError } from '../../log/billing-log.errors.js';
import type { Ingest } from '../../webhook/ingest.js';
import { type StripeEvent, readStripeEvent } from '../../webhook/stripe-event.js';
import { MalformedEventError } from '../../webhook/webhook.errors.js';
import { InterruptedError } from '../ops.errors.js';
import type { ListedEvent } from './event-list.js';
import { isAway, whileAway } from './while-away.js';

/** What became of events. */
export interface Intake {
  /** Kept, whether or not anybody knows whose they are. */
  taken: number;
  /** Were there before. */
  duplicates: number;
  /** Cannot be kept, whatever is tried. */
  refused: number;
}

/** A page: what is appended together goes to Redis together. */
const IN_FLIGHT = 100;

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
    const fresh = await this.fresh(events, intake);
    const turns = new Map<string, Promise<void>>();
    let next = 0;
    const line = async () => {
      while (next < fresh.length && !signal.aborted) {
        const one = fresh[next] as ReadEvent;
        const { objectId } = one.event;
        next += 1;
        const turn = this.inTurn(turns.get(objectId), { ...one, intake, signal });
        if (objectId) turns.set(objectId, turn);
        await turn;
      }
    };
    const lines = Array.from({ length: Math.min(IN_FLIGHT, fresh.length) }, line);
    const ends = await Promise.allSettled(lines);
    // Only after all of them: whoever goes on would otherwise meet what is still on its way.
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    if (next < fresh.length) throw new InterruptedError();
    return intake;
  }

  /**
   * Those that were not taken before. Most of a backfill after an outage were, and one question for a page of them is a
   * fraction of packing and appending each.
   */
  private async fresh(events: readonly ListedEvent[], intake: Intake): Promise<readonly ReadEvent[]> {
    const readable: ReadEvent[] = [];
    for (const listed of events) {
      const event = this.read(listed, intake);
      if (event) readable.push({ event, listed });
    }
    const known = await this.known(readable.map(({ event }) => event.eventId));
    const fresh = readable.filter(({ event }) => !known.has(event.eventId));
    intake.duplicates += readable.length - fresh.length;
    return fresh;
  }

  /** Where Redis is away nobody knows: appending them finds it out, and waits for it. */
  private async known(eventIds: readonly string[]): Promise<ReadonlySet<string>> {
    try {
      return await this.ingest.known(eventIds, 'backfill');
    } catch (error) {
      if (isAway(error)) return new Set();
      throw error;
    }
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
    try {
      const { duplicate } = await whileAway(
        () => this.ingest.keep(event, raw, 'backfill'),
        this.clock,
        signal,
      );
      intake[duplicate ? 'duplicates' : 'taken'] += 1;
    } catch (error) {
      if (!(error instanceof BillingEventRefusedError)) throw error;
      this.refuse(listed, intake);
    }
  }
}

interface ReadEvent {
  readonly event: StripeEvent;
  readonly listed: ListedEvent;
}

interface OneEvent extends ReadEvent {
  readonly intake: Intake;
  readonly signal: AbortSignal;
}
