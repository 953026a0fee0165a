import { LARGEST_RAW_CHARS } from '../../log/event-rules.js';
import { type PackedText, packText } from '../../log/packing.js';
import type { Ingest } from '../../webhook/ingest.js';
import { type StripeEvent, readStripeEvent } from '../../webhook/stripe-event.js';
import { MalformedEventError } from '../../webhook/webhook.errors.js';
import type { ListedEvent } from './event-list.js';
import { isAway } from './while-away.js';

/** An event that is to be appended. */
export interface ReadyEvent {
  readonly event: StripeEvent;
  readonly raw: string | PackedText;
}

/** A page of which everything is done that may be done before the page before it is kept. */
export interface ReadyPage {
  /** Oldest first, in the order in which Stripe has them. */
  readonly events: readonly ReadyEvent[];
  /** How many were kept before. */
  readonly duplicates: number;
  /** Those that cannot be read. */
  readonly refusedIds: readonly string[];
  /** Where the next page begins. */
  readonly last: ListedEvent;
}

/** Reads and packs pages of events while Redis has others in hand. Writes nothing. */
export class PagePreparation {
  /** Some of the last page were known: they come together, as what an outage has left out does. */
  private asksFirst = true;

  constructor(private readonly ingest: Pick<Ingest, 'known'>) {}

  /** Some of a page that was not asked about were known: the next one is. */
  metKnown(): void {
    this.asksFirst = true;
  }

  /**
   * @param page oldest first, one event at least
   * @throws what Redis fails with where it is not away
   */
  async ready(page: readonly ListedEvent[]): Promise<ReadyPage> {
    const refusedIds: string[] = [];
    const readable: Readable[] = [];
    for (const listed of page) {
      const event = readOrNothing(listed);
      if (event) readable.push({ event, listed });
      else refusedIds.push(listed.id);
    }
    const fresh = this.asksFirst ? await this.fresh(readable) : readable;
    const duplicates = readable.length - fresh.length;
    this.asksFirst = duplicates > 0;
    const events = fresh.map(({ event, listed }) => ({ event, raw: rawOf(listed) }));
    return { events, duplicates, refusedIds, last: page.at(-1) as ListedEvent };
  }

  /**
   * Those that were not taken before. Most of a backfill after an outage were, and one question for a page of them is a
   * fraction of packing and appending each.
   */
  private async fresh(readable: readonly Readable[]): Promise<readonly Readable[]> {
    const known = await this.known(readable.map(({ event }) => event.eventId));
    return readable.filter(({ event }) => !known.has(event.eventId));
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
}

interface Readable {
  readonly event: StripeEvent;
  readonly listed: ListedEvent;
}

/** Packed now, unless it is too large to be kept as it is. */
function rawOf(listed: ListedEvent): string | PackedText {
  const text = JSON.stringify(listed);
  return text.length <= LARGEST_RAW_CHARS ? packText(text) : text;
}

/** @returns undefined for what is no event of Stripe */
function readOrNothing(listed: ListedEvent): StripeEvent | undefined {
  try {
    return readStripeEvent(listed);
  } catch (error) {
    if (error instanceof MalformedEventError) return undefined;
    throw error;
  }
}
