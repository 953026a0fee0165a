import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { DatabaseUnavailableError } from '../../database/index.js';
import type { Clock, Timer } from '../../kernel/time.js';
import { RedisUnavailableError } from '../../redis/index.js';
import { CLOCK, Metrics } from '../../telemetry/index.js';
import { BillingMarks, type Mark } from './billing-marks.js';
import type { LogIdentity } from './log-scripts.js';
import { LogServer } from './log-server.js';

/**
 * The server of the log is another run than it was: what it had acknowledged last may be lost. Or the log is another one:
 * all that it held is gone, whatever the server says of itself.
 */
export interface ServerChange {
  readonly previous: LogIdentity;
  readonly current: LogIdentity;
  /** When the one before was last known to be there, milliseconds since the epoch; it may have gone on for a minute or so. */
  readonly lastSeenMs: number;
}

/**
 * Does what a change asks for. `later`: somebody else is at it, or this process ends; it is told again, and that is no
 * failure. Rejects where it could not do its work; it is told again then, too.
 */
export type ServerChangeListener = (change: ServerChange) => Promise<'done' | 'later'>;

const MARK = 'log.identity';
const LOOK_EVERY_MS = 30_000;
const CONFIRM_EVERY_MS = 60_000;

/**
 * Notices that the server of the log was restarted, replaced or failed over, and that the log was deleted on a server that
 * goes on running, as by FLUSHALL; also while this process was not running: the last run and log are remembered in SQL,
 * since Redis itself may have forgotten everything. With `appendfsync everysec`, and after a fail-over, the last second or
 * so may be lost then, and with a log all of it; whoever can fetch it again is told.
 *
 * A change counts as told when every listener has done its work; until then it is told again, also after a restart and
 * by other instances. Each of them tells it, so listeners agree on one of them, and may well be told twice.
 */
@Injectable()
export class RunIdWatch implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('RunIdWatch');
  private readonly listeners: ServerChangeListener[] = [];
  private subscription: Subscription | undefined;
  private timer: Timer | undefined;
  private looking: Promise<void> | undefined;
  private again = false;
  private ended = false;
  /** Stands in SQL as the run that is known: not to be asked for again. */
  private settled: string | undefined;
  /** Was logged. */
  private announced: string | undefined;
  /** What this process saw first; stands in where SQL was not there to remember it. */
  private first: Mark | undefined;

  constructor(
    private readonly server: LogServer,
    private readonly marks: BillingMarks,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** To be called before the application has started, in `onModuleInit` at the latest. */
  onChange(listener: ServerChangeListener): void {
    this.listeners.push(listener);
  }

  onApplicationBootstrap(): void {
    this.subscription = this.server.returns().subscribe(() => this.wake());
  }

  /** A listener may be at work; it knows itself that the process ends, and is told again by the next one. */
  onModuleDestroy(): void {
    this.ended = true;
    this.subscription?.unsubscribe();
    this.timer?.cancel();
  }

  /**
   * Looks once, and tells a change.
   *
   * @throws RedisUnavailableError, DatabaseUnavailableError, and what a listener throws; the change is told again then
   */
  async look(): Promise<void> {
    const identity = await this.server.identity();
    const current = textOf(identity);
    this.first ??= { value: current, seenAtMs: this.clock.nowMs() };
    if (!this.marks.isOpen) return;
    if (this.settled !== current) {
      const known = await this.known(current);
      const change = { previous: identityIn(known.value), current: identity, lastSeenMs: known.seenAtMs };
      if (known.value !== current && !(await this.tell(change, known.value))) return;
      this.settled = current;
    }
    await this.marks.confirm(MARK, current, CONFIRM_EVERY_MS);
  }

  private wake(): void {
    if (this.ended) return;
    this.again = true;
    this.looking ??= this.lookAround().finally(() => {
      this.looking = undefined;
    });
  }

  private async lookAround(): Promise<void> {
    this.timer?.cancel();
    while (this.again && !this.ended) {
      this.again = false;
      await this.look().catch((error: unknown) => this.report(error));
    }
    if (!this.ended) this.timer = this.clock.after(LOOK_EVERY_MS, () => this.wake());
  }

  private async known(current: string): Promise<Mark> {
    const mark = await this.marks.read(MARK);
    if (mark) return mark;
    const first = this.first ?? { value: current, seenAtMs: this.clock.nowMs() };
    await this.marks.begin(MARK, first.value);
    return (await this.marks.read(MARK)) ?? first;
  }

  /** @returns whether the work is done */
  private async tell(change: ServerChange, previous: string): Promise<boolean> {
    this.announce(change);
    try {
      const states = await Promise.all(this.listeners.map((listener) => listener(change)));
      if (states.includes('later')) return false;
    } catch (error) {
      this.metrics.billingServerChanges.inc({ outcome: 'failed' });
      throw error;
    }
    await this.marks.replace(MARK, previous, textOf(change.current));
    this.metrics.billingServerChanges.inc({ outcome: 'told' });
    return true;
  }

  /** Once per change, however often it is told. What is done about it, whoever does it says. */
  private announce({ previous, current, lastSeenMs }: ServerChange): void {
    if (this.announced === textOf(current)) return;
    this.announced = textOf(current);
    const facts = { previous, current, last_seen: new Date(lastSeenMs).toISOString() };
    if (previous.birth !== current.birth)
      this.logger.warn(
        'The log of billing events is not the one that was there: it was deleted, or its server was emptied. All that it ' +
          'held is gone.',
        facts,
      );
    else
      this.logger.warn(
        'The Redis server of billing events was restarted or replaced. What it acknowledged last may be lost, unless it ' +
          'has appendfsync always.',
        facts,
      );
  }

  private report(error: unknown): void {
    // An outage is told by its compartment, once.
    if (error instanceof RedisUnavailableError || error instanceof DatabaseUnavailableError) return;
    this.logger.error(error);
  }
}

/** As it is remembered in SQL. */
function textOf({ runId, birth }: LogIdentity): string {
  return `${runId}.${birth}`;
}

function identityIn(text: string): LogIdentity {
  const [runId = '', birth = ''] = text.split('.');
  return { runId, birth };
}
