import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Clock, Timer } from '../../kernel/time.js';
import type { GroupPosition } from '../../queue/index.js';
import { failClosed, InjectRedis, type PurposeRedis, RedisUnavailableError } from '../../redis/index.js';
import { CLOCK, Metrics } from '../../telemetry/index.js';
import { DEAD_LETTERS_KEY } from '../log/keys.js';
import { ProjectorStream } from './projector-group.js';

export interface BacklogDepth {
  /** Entries that are not applied: not given to the projector yet, and given and not settled. */
  readonly entries: number;
  /** How long the oldest of them has waited, milliseconds; 0 where nothing waits. */
  readonly oldestAgeMs: number;
}

const READ_EVERY_MS = 1000;

/** How far SQL is behind the log. Read in the background: whoever asks is answered at once, also while Redis is away. */
@Injectable()
export class BillingBacklog implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('BillingBacklog');
  private readonly listeners: ((depth: BacklogDepth) => void)[] = [];
  private last: BacklogDepth = { entries: 0, oldestAgeMs: 0 };
  private timer: Timer | undefined;
  private stopped = false;

  constructor(
    private readonly stream: ProjectorStream,
    @InjectRedis('billingEvents', 'bulk') private readonly redis: PurposeRedis<'billingEvents'>,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.readOn();
  }

  beforeApplicationShutdown(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  /** As it was read last, a second ago or so; while Redis is away, as it was before. */
  depth(): BacklogDepth {
    return this.last;
  }

  /** Calls `listener` after every reading. */
  onReading(listener: (depth: BacklogDepth) => void): void {
    this.listeners.push(listener);
  }

  private readOn(): void {
    if (this.stopped) return;
    void this.read().finally(() => {
      if (!this.stopped) this.timer = this.clock.after(READ_EVERY_MS, () => this.readOn());
    });
  }

  private async read(): Promise<void> {
    try {
      const [position, deadLetters] = await Promise.all([
        this.stream.position(),
        failClosed('billingEvents', () => this.redis.xlen(DEAD_LETTERS_KEY)),
      ]);
      this.last = depthOf(position);
      this.write(position, deadLetters);
      for (const listener of this.listeners) listener(this.last);
    } catch (error) {
      // An outage is told by its compartment, once.
      if (!(error instanceof RedisUnavailableError)) this.logger.error(error);
    }
  }

  private write(position: GroupPosition, deadLetters: number): void {
    const { metrics } = this;
    metrics.billingProjectorLag.set(position.lag);
    metrics.billingProjectorPending.set(position.pending);
    metrics.billingProjectorOldestAge.set(this.last.oldestAgeMs / 1000);
    metrics.billingStreamLength.set(position.length);
    metrics.billingStreamOldestAge.set(ageMs(position.nowMs, position.oldest) / 1000);
    metrics.billingDeadLetters.set(deadLetters);
  }
}

function depthOf({ nowMs, lag, pending, oldestPending, oldestWaiting }: GroupPosition): BacklogDepth {
  return {
    entries: lag + pending,
    oldestAgeMs: Math.max(ageMs(nowMs, oldestPending), ageMs(nowMs, oldestWaiting)),
  };
}

/** 0 where there is none, or where it lies in the future: a clock was wrong when it was added. */
function ageMs(nowMs: number, id: string | undefined): number {
  if (id === undefined) return 0;
  return Math.max(0, nowMs - Number(id.split('-', 1)[0]));
}
