import { type Settler, settled } from '../../../kernel/settler.js';
import type { Clock } from '../../../kernel/time.js';
import { BillingEventRefusedError } from '../../log/billing-log.errors.js';
import type { Ingest, IngestOutcome } from '../../webhook/ingest.js';
import { InterruptedError } from '../ops.errors.js';
import type { ReadyEvent, ReadyPage } from './page-preparation.js';
import { againWhileAway } from './while-away.js';

/** What became of events. */
export interface Intake {
  /** Kept, whether or not anybody knows whose they are. */
  taken: number;
  /** Were there before. */
  duplicates: number;
  /** Cannot be kept, whatever is tried. */
  refused: number;
}

/**
 * Hands a page of events to where the webhook's go as well, many at a time; those of one object one after the other, so
 * that none looks late because a later one was faster.
 */
export class PageIntake {
  constructor(
    private readonly ingest: Pick<Ingest, 'keep'>,
    private readonly clock: Clock,
    private readonly onRefused: (eventId: string) => void,
  ) {}

  /**
   * @param signal ends it
   * @throws RedisUnavailableError, DatabaseUnavailableError where that lasts; InterruptedError. Some are kept then
   */
  async take(page: ReadyPage, signal: AbortSignal): Promise<Intake> {
    const { events, duplicates, refusedIds } = page;
    if (events.length > 0 && signal.aborted) throw new InterruptedError();
    const intake: Intake = { taken: 0, duplicates, refused: refusedIds.length };
    for (const id of refusedIds) this.onRefused(id);
    await settled<void>((settler) => this.keepAll(events, { intake, signal, settler }));
    return intake;
  }

  /** All of them in one turn of the event loop, so that they go to Redis together; told when none is on its way any more. */
  private keepAll(fresh: readonly ReadyEvent[], { intake, signal, settler }: Keeping): void {
    const lines = linesOf(fresh);
    let under = lines.length;
    const failures: unknown[] = [];
    const ended = (): void => {
      if (under > 0) return;
      if (failures.length > 0) settler.reject(failures[0]);
      else settler.resolve();
    };
    const endLine = (): void => {
      under -= 1;
      ended();
    };
    // What comes after it in its line is not kept: the whole page fails.
    const fail = (error: unknown): void => {
      failures.push(error);
      endLine();
    };
    const next = (line: readonly ReadyEvent[], at: number): void => {
      const one = line[at];
      if (!one) return endLine();
      // What is left of a line goes out one after the other: it must not outlast a shutdown, or a lock that was lost.
      if (signal.aborted) return fail(new InterruptedError());
      const became = (outcome: keyof Intake): void => {
        intake[outcome] += 1;
        next(line, at + 1);
      };
      try {
        this.keep(one, signal, { resolve: became, reject: fail });
      } catch (error) {
        // Whoever tells of the event before this one would take it for its own, and nobody would end the page.
        fail(error);
      }
    };
    for (const line of lines) next(line, 0);
    if (lines.length === 0) ended();
  }

  private keep({ event, raw }: ReadyEvent, signal: AbortSignal, settler: Settler<keyof Intake>): void {
    const given = { event, raw, origin: 'backfill' } as const;
    const kept = ({ duplicate }: IngestOutcome): void => settler.resolve(duplicate ? 'duplicates' : 'taken');
    const failed = (error: unknown): void => {
      if (!(error instanceof BillingEventRefusedError)) return settler.reject(error);
      this.onRefused(event.eventId);
      settler.resolve('refused');
    };
    const attempt = () => settled<IngestOutcome>((told) => this.ingest.keep(given, told));
    this.ingest.keep(given, {
      resolve: kept,
      // Nobody waits for this promise: what `failed` throws fails the page, and does not end the process.
      reject: (error) =>
        void againWhileAway(error, attempt, this.clock, signal)
          .then(kept, failed)
          .catch((thrown: unknown) => settler.reject(thrown)),
    });
  }
}

interface Keeping {
  readonly intake: Intake;
  readonly signal: AbortSignal;
  readonly settler: Settler<void>;
}

/** Those of one object are a line; who is about none is one alone. In the order in which they were given. */
function linesOf(events: readonly ReadyEvent[]): readonly (readonly ReadyEvent[])[] {
  const lines: ReadyEvent[][] = [];
  const byObject = new Map<string, ReadyEvent[]>();
  for (const one of events) {
    const { objectId } = one.event;
    const known = objectId ? byObject.get(objectId) : undefined;
    if (known) {
      known.push(one);
      continue;
    }
    const line = [one];
    lines.push(line);
    if (objectId) byObject.set(objectId, line);
  }
  return lines;
}
