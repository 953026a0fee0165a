import type { EventList, ListedEvent, Range } from './event-list.js';
import type { PagePreparation, ReadyPage } from './page-preparation.js';

export interface PageFeedOptions {
  readonly list: Pick<EventList, 'oldest' | 'after'>;
  readonly preparation: Pick<PagePreparation, 'ready'>;
  /** What is still to be fetched, as of now. */
  readonly range: () => Range;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Oldest first. */
interface FetchedPage {
  readonly events: readonly ListedEvent[];
  readonly hasMore: boolean;
}

const NOTHING: FetchedPage = { events: [], hasMore: false };

/** The pages of a range, oldest first. While one is made ready, the next is on its way from Stripe; no more than that. */
export class PageFeed {
  private readonly ending = new AbortController();
  private readonly signal: AbortSignal;
  private ahead: Promise<FetchedPage>;

  constructor(private readonly options: PageFeedOptions) {
    this.signal = AbortSignal.any([options.signal, this.ending.signal]);
    this.ahead = this.begin(this.from(options.range()));
  }

  /**
   * One call at a time.
   *
   * @returns undefined after the last one
   * @throws StripeRefusedError, StripeUnavailableError, InterruptedError; what Redis fails with where it is not away
   */
  async next(): Promise<ReadyPage | undefined> {
    const { events, hasMore } = await this.ahead;
    const last = events.at(-1);
    if (!last) return undefined;
    this.ahead = this.begin(hasMore ? this.after(last) : Promise.resolve(NOTHING));
    return await this.options.preparation.ready(events);
  }

  /** Resolves when nothing is on its way any more. */
  async close(): Promise<void> {
    this.ending.abort();
    await this.ahead.catch(() => undefined);
  }

  /** What it fails with is told with the page, which may be asked for later, or never. */
  private begin(page: Promise<FetchedPage>): Promise<FetchedPage> {
    page.catch(() => undefined);
    return page;
  }

  private async after(known: ListedEvent): Promise<FetchedPage> {
    const range = this.options.range();
    const page = await this.options.list.after(known, range, this.signal);
    // Stripe has forgotten it: from the oldest that it still has of that time on.
    return page ?? (await this.from({ ...range, fromS: known.created }));
  }

  private async from(range: Range): Promise<FetchedPage> {
    const oldest = await this.options.list.oldest(range, this.signal);
    return oldest ? { events: [oldest], hasMore: true } : NOTHING;
  }
}
