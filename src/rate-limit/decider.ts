import type { Clock } from '../kernel/time.js';
import type { Check } from './check.js';
import { countLocally, fits, outcomeOf } from './counting/local-counting.js';
import type { Meter } from './counting/meter.js';
import { type Cost, unitsOf } from './counting/outcome.js';
import type { RedisCounter } from './counting/redis-counter.js';
import { RateLimitDecision } from './decision.js';
import { lossReason } from './failure.js';
import type { OutageFacts } from './outage-facts.js';
import { Substitute } from './substitute.js';

export interface DeciderOptions extends OutageFacts {
  /** Undefined: this process counts by choice. */
  readonly redis: Pick<RedisCounter, 'ask'> | undefined;
  readonly clock: Clock;
}

/**
 * Decides where a check is counted, and by what rule when that place is lost. Denials of Redis are known here as long
 * as they hold: a limit earns units back at a known pace, so its last state says when the next one will fit. Only a
 * refund, a reset or an override elsewhere can make that too careful; `distrust` forgets it all.
 */
export class Decider {
  private trust = 1;
  /** What was said under this trust, or an older one, holds no more. */
  private voided = 0;
  private readonly substitute: Substitute | undefined;

  constructor(private readonly options: DeciderOptions) {
    const { redis } = options;
    const wasTold = ({ trust }: Meter): boolean => trust > this.voided;
    this.substitute = redis && new Substitute({ ...options, redis, trust: () => this.trust, wasTold });
  }

  /** What Redis said so far may not hold any more. */
  distrust(): void {
    this.voided = this.trust;
    this.trust += 1;
  }

  /** Redis was lost. */
  left(): void {
    this.substitute?.left();
  }

  /** Redis is there again. */
  returned(): void {
    this.trust += 1;
    this.substitute?.returned();
  }

  /** The decision where nobody has to be asked: counted here, known already, or Redis lost. */
  decideNow(check: Check): RateLimitDecision | undefined {
    const { substitute } = this;
    if (!substitute || !check.inRedis) return this.byChoice(check);
    const { lost, closed } = this.options;
    const reason = lost();
    if (reason === undefined) return substitute.beforeAsking(check);
    return closed() ? undefined : substitute.decide(check, reason);
  }

  /**
   * As `decideNow`, of an order: nothing takes the place of Redis, which may answer before it is taken for back. What it is
   * owed about these limits is told before the order, or would undo it later.
   */
  beforeOrder(check: Check): RateLimitDecision | undefined {
    const { substitute } = this;
    return substitute && check.inRedis ? substitute.beforeAsking(check) : this.byChoice(check);
  }

  /** Grows whenever what Redis said before may not hold any more. */
  get trusted(): number {
    return this.trust;
  }

  /** Whether what is known of the meter is the word of Redis. */
  trusts(meter: Meter): boolean {
    return meter.trust === this.trust;
  }

  /**
   * A denial of Redis that still holds: the place of the limit that denies, or -1.
   *
   * @param except limits that are being given something back, of which Redis has not said yet how they stand
   */
  knownDenial(meters: readonly Meter[], cost: Cost, nowMs: number, except?: readonly Meter[]): number {
    if (this.isAway) return -1;
    const nowUs = Math.floor(nowMs * 1000);
    for (let at = 0; at < meters.length; at += 1) {
      const meter = meters[at] as Meter;
      if (this.deniesSurely(meter, unitsOf(cost, at), nowUs) && !except?.includes(meter)) return at;
    }
    return -1;
  }

  /**
   * Until when Redis has surely said of this one limit that it denies a unit; whole monotonic milliseconds, less than now
   * where it has not. It holds while the meter and the trust stay as they are.
   */
  deniesUntilMs(meter: Meter, nowMs: number): number {
    const nowUs = Math.floor(nowMs * 1000);
    if (!this.deniesSurely(meter, 1, nowUs)) return 0;
    return Math.floor((nowUs + outcomeOf(meter, 1, true, nowUs).waitUs) / 1000);
  }

  /** Asks Redis; called when `decideNow` had nothing to say. */
  ask(check: Check): void {
    check.trust = this.trust;
    this.options.redis?.ask(check);
  }

  /** What takes the place of an answer of Redis; undefined where nothing may. */
  afterFailure(check: Check, error: unknown): RateLimitDecision | undefined {
    const reason = lossReason(error);
    if (reason === undefined || this.options.closed()) return undefined;
    return this.substitute?.decide(check, reason, error as Error);
  }

  private deniesSurely(meter: Meter, cost: number, nowUs: number): boolean {
    return meter.trust === this.trust && !fits(meter, cost, nowUs) && meter.limit.remembersDenials;
  }

  /** Redis is lost and substituted: what it said last is no answer of its own any more. */
  get isAway(): boolean {
    return this.options.lost() !== undefined && !this.options.closed();
  }

  private byChoice({ operation, meters, cost, startMs }: Check): RateLimitDecision {
    const { instances, chosenIsDegraded: degraded } = this.options;
    const nowUs = Math.floor(startMs * 1000);
    const counted = countLocally({ operation, meters, cost, instances: instances(), nowUs });
    return new RateLimitDecision({ meters, ...counted, backend: 'memory', degraded });
  }
}
