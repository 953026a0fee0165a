import { createHash } from 'node:crypto';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import type { Clock, Timer } from '../../src/kernel/time.js';
import { BackpressureError, Backlogs } from '../../src/rate-limit/index.js';
import { InjectRedis, type PurposeRedis, RedisUnavailableError } from '../../src/redis/index.js';
import { CLOCK } from '../../src/telemetry/index.js';

const DAY_SECONDS = 86_400;
/** More than this, and new documents are turned away; see `@Backpressure` in the controller. */
const MARK = 20;
const BUSY_MS = 2000;
/** How often a text is tried that Redis answers with an error; while Redis is away nothing is tried. */
const MOST_TRIES = 3;
const RETRY_MS = 1000;

/**
 * Makes vectors of texts, one after the other, and keeps them in the compartment of this feature. While that is away,
 * what was taken in waits; what Redis refuses is given up, so that the next one gets its turn.
 */
@Injectable()
export class EmbeddingWorker implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Embeddings');
  private readonly waiting: string[] = [];
  /** Of the first one. */
  private tries = 0;
  private working = false;
  private pause: Timer | undefined;
  private stopped = false;

  constructor(
    @InjectRedis('embeddings') private readonly redis: PurposeRedis<'embeddings'>,
    @Inject(CLOCK) private readonly clock: Clock,
    backlogs: Backlogs,
  ) {
    const depth = (): number => this.waiting.length;
    backlogs.register('embedding-jobs', { depth, mark: MARK, retryAfterMs: BUSY_MS, pollMs: 100 });
  }

  /** @throws BackpressureError where too many wait: the door reads the depth ten times a second only */
  add(text: string): void {
    if (this.waiting.length > MARK) throw new BackpressureError({ retryAfterMs: BUSY_MS });
    this.waiting.push(text);
    void this.work();
  }

  /** The vector of a text; undefined where none was made yet. @throws RedisUnavailableError */
  async vector(text: string): Promise<string | undefined> {
    return (await this.redis.get(keyOf(text))) ?? undefined;
  }

  beforeApplicationShutdown(): void {
    this.stopped = true;
    this.pause?.cancel();
  }

  private async work(): Promise<void> {
    if (this.working || this.pause) return;
    this.working = true;
    try {
      for (;;) {
        const [next] = this.waiting;
        if (next === undefined || this.stopped) break;
        await this.keep(next);
        this.next();
      }
    } catch (error) {
      this.goOnIn(error instanceof RedisUnavailableError ? error.retryAfterMs : this.failed(error));
    } finally {
      this.working = false;
    }
  }

  private next(): void {
    this.waiting.shift();
    this.tries = 0;
  }

  /** @returns until it goes on, milliseconds */
  private failed(error: unknown): number {
    this.tries += 1;
    if (this.tries < MOST_TRIES) return RETRY_MS;
    // Never the text itself: it is somebody's.
    this.logger.error(`A text was given up after ${MOST_TRIES} tries: ${String(error)}`);
    this.next();
    return 0;
  }

  private async keep(text: string): Promise<void> {
    const key = keyOf(text);
    // Said before: the vector is kept for another day, and not made again.
    if ((await this.redis.exists(key)) === 0) {
      await this.redis.incr('emb:made');
      // Each time, so that a process that ends between the two leaves no key for ever.
      await this.redis.expire('emb:made', DAY_SECONDS);
    }
    await this.redis.set(key, vectorOf(text), 'EX', DAY_SECONDS);
  }

  private goOnIn(ms: number): void {
    if (this.stopped) return;
    this.pause = this.clock.after(ms, () => {
      this.pause = undefined;
      void this.work();
    });
  }
}

function keyOf(text: string): string {
  return `emb:v:${createHash('sha256').update(text).digest('base64url')}`;
}

/** Stands for a model. */
function vectorOf(text: string): string {
  return createHash('sha256').update(`vector of ${text}`).digest('hex');
}
