import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { Clock } from '../../kernel/time.js';
import { type BlockingRedis, InjectRedis, RedisUnavailableError } from '../../redis/index.js';
import { CLOCK, Metrics, RepeatGuard } from '../../telemetry/index.js';
import { type EntryId, ORIGIN, compareEntryIds, parseEntryId } from '../log/entry-id.js';
import { EventLog } from '../log/event-log.js';
import { LOG_KEY } from '../log/keys.js';
import type { LogEntry } from '../log/log-entry.js';

/** Entries of one read. */
const MOST_ENTRIES = 512;
/** Not the longest that the lane allows: a connection that leads nowhere is known for one only when this is over. */
const BLOCK_MS = 2000;
/** Until a read that failed is tried again; while the lane is not connected nothing is sent by it. */
const RETRY_MS = 200;
const WARN_MS = 300_000;
/** Under load what is appended meanwhile comes in one read: a read costs as much as twenty entries. */
const GATHER_MS = 5;

/** What one read of the log gave. */
export interface LogBatch {
  /** The log was read up to here before. */
  readonly before: EntryId;
  /** In the order of the log, those that are ours. */
  readonly entries: readonly LogEntry[];
}

export interface LogListener {
  /** Must not throw and must not wait: the next read comes after it. */
  entries(batch: LogBatch): void;
  /** The log was deleted, or lost its end: what was read before leads nowhere any more. */
  reset?(): void;
}

/** `starting`: nobody knows yet where the log ends. `away`: Redis does not answer. */
export type ReaderState = 'starting' | 'reading' | 'away' | 'stopped';

/**
 * Reads the log as it grows, once for the whole process, on the blocking lane. It begins at the entry that was the last
 * one when the process started, and goes on from the last entry that it read, whatever happens in between: what was
 * appended during an outage comes once and in order when Redis is back.
 */
@Injectable()
export class LogReader implements OnApplicationBootstrap {
  private readonly logger = new Logger('BillingStream');
  private readonly warnings: RepeatGuard;
  private readonly listeners = new Set<LogListener>();
  private readonly abort = new AbortController();
  private at: EntryId | undefined;
  private current: ReaderState = 'starting';
  private answeredAtMs: number;
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;

  constructor(
    @InjectRedis('billingEvents', 'blocking') private readonly redis: BlockingRedis<'billingEvents'>,
    private readonly log: EventLog,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.warnings = new RepeatGuard(clock, WARN_MS);
    this.answeredAtMs = clock.monotonicMs();
  }

  get state(): ReaderState {
    return this.current;
  }

  /** Everything up to this entry has been handed to the listeners. */
  get position(): EntryId {
    return this.at ?? ORIGIN;
  }

  /** Milliseconds since Redis answered last; a quiet log answers every two seconds. */
  get silentMs(): number {
    return this.clock.monotonicMs() - this.answeredAtMs;
  }

  /** @returns ends it */
  listen(listener: LogListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Calls `run` after every read that brought entries. @returns ends it */
  onEntries(run: (batch: LogBatch) => void): () => void {
    return this.listen({ entries: run });
  }

  /** Before anybody can connect: a client that comes later misses nothing. */
  async onApplicationBootstrap(): Promise<void> {
    await this.findStart();
    this.running ??= this.run();
  }

  /** Ends the read that waits. Nothing is handed out afterwards. */
  async stop(): Promise<void> {
    this.current = 'stopped';
    this.abort.abort();
    this.wake?.();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      try {
        if (this.current !== 'reading') await this.begin();
        if (this.stopped) return;
        const before = this.position;
        const reply = await this.read(before);
        if (this.stopped) return;
        this.answered();
        if (reply.length === 0) await this.noticeReset();
        else {
          this.take(before, reply);
          await this.pause(GATHER_MS);
        }
      } catch (error) {
        if (!this.stopped) await this.failed(error);
      }
    }
  }

  private get stopped(): boolean {
    return this.abort.signal.aborted;
  }

  private async begin(): Promise<void> {
    if (this.at === undefined) this.at = await this.log.tail();
    else await this.noticeReset();
    this.answered();
    if (!this.stopped) this.current = 'reading';
  }

  private async findStart(): Promise<void> {
    try {
      await this.begin();
    } catch (error) {
      this.noteFailure(error);
    }
  }

  private async read(after: EntryId): Promise<readonly RawEntry[]> {
    const reply: unknown = await this.redis.cancellable(this.abort.signal, () =>
      this.redis.xreadBuffer('COUNT', MOST_ENTRIES, 'BLOCK', BLOCK_MS, 'STREAMS', LOG_KEY, after),
    );
    return rawEntries(reply);
  }

  private take(before: EntryId, raw: readonly RawEntry[]): void {
    const last = parseEntryId(String(raw.at(-1)?.[0]));
    if (!last) throw new TypeError('The log answered with an entry without an id');
    const entries: LogEntry[] = [];
    for (const [id, fields] of raw) {
      const entry = this.log.parseFields(id, fields);
      if (entry) entries.push(entry);
    }
    this.at = last;
    this.metrics.billingReaderLag.set(lagSeconds(raw[0]?.[0], this.clock.nowMs()));
    this.tell((listener) => listener.entries({ before, entries }));
  }

  /**
   * A log that ends before our position is not the one that we have read: it was deleted, or a server came back without
   * what it had written last. Ids that only grow never come to pass there.
   */
  private async noticeReset(): Promise<void> {
    const position = this.position;
    this.metrics.billingReaderLag.set(0);
    const tail = await this.log.tail();
    if (this.stopped || compareEntryIds(tail, position) >= 0) return;
    this.logger.warn('The log of billing events ends before what was read of it: deleted, or its end lost', {
      read_up_to: position,
      ends_at: tail,
    });
    // What comes is appended behind its end. What stands there now was told before, or is told by whoever resumes.
    this.at = tail;
    this.tell((listener) => listener.reset?.());
  }

  private async failed(error: unknown): Promise<void> {
    if (this.current === 'reading') this.current = 'away';
    this.noteFailure(error);
    this.metrics.billingReaderLag.set(this.silentMs / 1000);
    await this.pause(RETRY_MS);
  }

  /** Is over when the reader is stopped. */
  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      if (this.stopped) resolve();
      else this.clock.after(ms, resolve);
    });
  }

  private noteFailure(error: unknown): void {
    // The compartment itself says that it is away.
    if (error instanceof RedisUnavailableError) return;
    this.warnings.once('read', (suppressed) =>
      this.logger.error('The log of billing events cannot be read; it is tried again', { error, suppressed }),
    );
  }

  private answered(): void {
    this.answeredAtMs = this.clock.monotonicMs();
  }

  private tell(say: (listener: LogListener) => void): void {
    for (const listener of this.listeners) {
      try {
        say(listener);
      } catch (error) {
        this.logger.error('A listener of the billing log failed', error);
      }
    }
  }
}

type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

/** Of the one stream that was asked for; none where nothing came in time. */
function rawEntries(reply: unknown): readonly RawEntry[] {
  if (reply === null) return [];
  const [stream] = reply as readonly (readonly [Buffer, readonly RawEntry[]])[];
  return stream?.[1] ?? [];
}

/** Of the oldest entry of a read. An id far in the future has none. */
function lagSeconds(id: Buffer | undefined, nowMs: number): number {
  const ms = Number(String(id).split('-')[0]);
  return Number.isFinite(ms) ? Math.max(0, nowMs - ms) / 1000 : 0;
}
