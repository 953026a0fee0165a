import { isEventId } from '../../log/event-rules.js';
import { StripeRefusedError, StripeUnavailableError } from '../ops.errors.js';
import type { StripeApi } from './stripe-api.js';

/** An event as Stripe lists it: only what the list itself needs was looked at. */
export interface ListedEvent {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
}

/** `created` of events, seconds since the epoch, both inclusive. */
export interface Range {
  readonly fromS: number;
  readonly toS: number;
}

interface ListPage {
  /** Newest first, as Stripe has them. */
  readonly events: readonly ListedEvent[];
  readonly hasMore: boolean;
}

const MOST_OF_A_PAGE = 100;
const FIRST_WINDOW_S = 3600;

/**
 * The list of events of Stripe, oldest first. Stripe lists newest first, and forgets after 30 days; from a known event on
 * it can be read towards the newer ones. So the oldest of a range is looked for first, in windows of time, and the rest
 * is read from event to event: seconds in which many events happened are not cut apart.
 */
export class EventList {
  constructor(private readonly api: StripeApi) {}

  /**
   * @returns undefined where the range has none
   * @throws StripeRefusedError, StripeUnavailableError, InterruptedError
   */
  async oldest({ fromS, toS }: Range, signal: AbortSignal): Promise<ListedEvent | undefined> {
    let at = fromS;
    let width = FIRST_WINDOW_S;
    while (at <= toS) {
      const endS = Math.min(at + width - 1, toS);
      const { events, hasMore } = await this.page({ fromS: at, toS: endS }, {}, signal);
      const last = events.at(-1);
      if (!last) {
        at = endS + 1;
        width *= 4;
      } else if (!hasMore) return last;
      else if (endS === at) return await this.oldestOfSecond(last, at, signal);
      // Nothing older than `at`, and something at the last one of the page or before.
      else width = Math.max(1, Math.min(Math.floor(width / 8), last.created - at + 1));
    }
    return undefined;
  }

  /**
   * The events that follow one, oldest first.
   *
   * @returns fewer than none are left when `hasMore` is false; undefined where Stripe does not know the event (any more)
   * @throws StripeUnavailableError where the list does not go on
   */
  async after(known: ListedEvent, range: Range, signal: AbortSignal): Promise<ListPage | undefined> {
    try {
      const page = await this.page(range, { ending_before: known.id }, signal);
      if (page.events.some(({ id }) => id === known.id))
        throw new StripeUnavailableError('lists the same events again');
      return { ...page, events: page.events.toReversed() };
    } catch (error) {
      if (error instanceof StripeRefusedError && error.reason === 'resource_missing') return undefined;
      throw error;
    }
  }

  /** More than a page of events in one second: towards the older ones, until there are no more. */
  private async oldestOfSecond(
    newest: ListedEvent,
    second: number,
    signal: AbortSignal,
  ): Promise<ListedEvent> {
    const range = { fromS: second, toS: second };
    for (let known = newest; ;) {
      const { events, hasMore } = await this.page(range, { starting_after: known.id }, signal);
      const last = events.at(-1);
      if (last && last.id === known.id) throw new StripeUnavailableError('lists the same events again');
      if (!last || !hasMore) return last ?? known;
      known = last;
    }
  }

  private async page(
    range: Range,
    place: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ListPage> {
    const query = new URLSearchParams({
      limit: String(MOST_OF_A_PAGE),
      'created[gte]': String(range.fromS),
      'created[lte]': String(range.toS),
      ...place,
    });
    const page = await this.api.get(`/v1/events?${query.toString()}`, readPage, signal);
    // Taken for the end, it would end a backfill as done of which nothing was fetched.
    if (page.hasMore && page.events.length === 0)
      throw new StripeUnavailableError('answered a page without events that says has_more: true');
    return page;
  }
}

/** @returns undefined for what is no page of events, newest first */
export function readPage(value: unknown): ListPage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { object, data, has_more: hasMore } = value as Record<string, unknown>;
  if (object !== 'list' || !Array.isArray(data) || typeof hasMore !== 'boolean') return undefined;
  if (data.length > MOST_OF_A_PAGE || !data.every(isListed)) return undefined;
  const ordered = data.every(
    (event, at) => at === 0 || event.created <= (data[at - 1] as ListedEvent).created,
  );
  return ordered ? { events: data, hasMore } : undefined;
}

function isListed(value: unknown): value is ListedEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { id, created } = value as Record<string, unknown>;
  return typeof id === 'string' && isEventId(id) && Number.isSafeInteger(created) && (created as number) >= 0;
}
