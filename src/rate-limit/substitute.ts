import type { Clock } from '../kernel/time.js';
import type { Check } from './check.js';
import { Arrears } from './counting/arrears.js';
import { type LocalDecision, countLocally } from './counting/local-counting.js';
import type { Meter } from './counting/meter.js';
import { type LimitOutcome, OPERATION, type Operation, UNAVAILABLE, unitsOf } from './counting/outcome.js';
import { Probation } from './counting/probation.js';
import type { Question } from './counting/question.js';
import { assumePast } from './counting/unknown-past.js';
import { RateLimitDecision } from './decision.js';
import { surelyUnheard } from './failure.js';
import type { OutageFacts } from './outage-facts.js';
import type { CompiledLimit } from './policies/compiled-limit.js';

export interface SubstituteOptions extends Pick<OutageFacts, 'lost' | 'instances' | 'onSubstitute'> {
  readonly redis: { ask(question: Question): void };
  readonly clock: Clock;
  /** The trust that an answer of Redis has now; see Meter. */
  readonly trust: () => number;
  /** Whether the meter holds what Redis said last, however long ago. */
  readonly wasTold: (meter: Meter) => boolean;
}

/** What was heard so long before Redis was lost says nothing about what others granted since. Milliseconds. */
const UNKNOWN_AFTER_MS = 1_000;
const DEGRADED = { backend: 'memory', degraded: true } as const;

/**
 * Decides in place of Redis while it is away, by the rule of each limit, and sees to it that nothing of that is
 * forgotten when it returns.
 */
export class Substitute {
  private readonly arrears: Arrears;
  private readonly probation: Probation;
  private awaySinceMs: number;
  private lastReason = 'other';

  constructor(private readonly options: SubstituteOptions) {
    const { redis, clock, instances, trust } = options;
    this.arrears = new Arrears({ redis, clock, instances, trust });
    this.probation = new Probation(clock, instances);
    this.awaySinceMs = clock.monotonicMs();
  }

  /** Redis has been lost. */
  left(): void {
    this.awaySinceMs = this.options.clock.monotonicMs();
  }

  /** Redis is there again, and does not know what was granted without it. */
  returned(): void {
    this.probation.begin(this.arrears.meters());
    this.arrears.settleAll();
  }

  /** To be called before Redis is asked. @returns a denial where other instances may not have told Redis everything */
  beforeAsking(check: Check): RateLimitDecision | undefined {
    const { operation, meters } = check;
    if (this.probation.isOn && operation <= OPERATION.peek) {
      const outcomes = this.probation.denial(questionOf(check));
      if (outcomes) {
        this.options.onSubstitute(this.lastReason);
        return new RateLimitDecision({ meters, allowed: false, outcomes, ...DEGRADED });
      }
    }
    const { wasTold } = this.options;
    const trust = this.options.trust();
    for (const meter of meters) {
      // Told before Redis was lost the last time: it may have forgotten since.
      if (meter.trust !== trust && wasTold(meter)) this.arrears.open(meter, true);
    }
    this.arrears.settle(meters);
    return undefined;
  }

  /**
   * Each limit follows its own rule for an outage; one that lets everybody pass shows as full.
   *
   * @param error where Redis was asked: why it did not answer
   */
  decide(check: Check, reason: string, error?: Error): RateLimitDecision {
    this.lastReason = reason;
    this.options.onSubstitute(reason, error);
    const { operation, meters } = check;
    if (operation <= OPERATION.peek && meters.some(({ limit }) => limit.outage === 'deny')) {
      const outcomes = meters.map(({ limit }) => (limit.outage === 'deny' ? UNAVAILABLE : untouched(limit)));
      return new RateLimitDecision({ meters, allowed: false, outcomes, ...DEGRADED });
    }
    const counted = meters.filter(({ limit }) => isCounted(limit, operation));
    const local = this.count(check, counted, error);
    const outcomes = meters.map((meter) => local.outcomes[counted.indexOf(meter)] ?? untouched(meter.limit));
    return new RateLimitDecision({ meters, allowed: local.allowed, outcomes, ...DEGRADED });
  }

  private count(check: Check, meters: readonly Meter[], error: Error | undefined): LocalDecision {
    const cost = meters.map((meter) => unitsOf(check.cost, check.meters.indexOf(meter)));
    const question = { ...questionOf(check), meters, cost };
    for (const meter of meters) this.begin(meter, check.startMs);
    const local = countLocally({ ...question, instances: this.options.instances() });
    if (!local.allowed || check.operation === OPERATION.peek) return local;
    // Redis was asked, and may have counted.
    const doubtful = error !== undefined && !surelyUnheard(error);
    for (const [at, meter] of meters.entries()) {
      const units = cost[at] as number;
      if (check.operation === OPERATION.refund) this.arrears.takeBack(meter, units, doubtful);
      else if (check.operation === OPERATION.reset) this.arrears.reset(meter);
      else this.arrears.add(meter, units, doubtful);
    }
    return local;
  }

  /** Before something is counted here that Redis knows better. */
  private begin(meter: Meter, nowMs: number): void {
    const { wasTold, instances, lost } = this.options;
    this.arrears.open(meter, wasTold(meter));
    const nowUs = Math.floor(nowMs * 1000);
    this.probation.restore(meter, nowUs);
    const sinceMs = lost() === undefined ? nowMs : this.awaySinceMs;
    const doubt = Math.min(1, (sinceMs - meter.knownMs) / UNKNOWN_AFTER_MS);
    if (doubt > 0) assumePast(meter, { instances: instances(), doubt, sinceUs: sinceMs * 1000, nowUs });
    meter.countedHere(nowMs);
  }
}

/**
 * A limit that lets nobody pass uncounted has counted in Redis whatever is corrected now, and a limit is made full by
 * whatever rule. What one that lets everybody pass is given back may never have been counted.
 */
function isCounted({ outage }: CompiledLimit, operation: Operation): boolean {
  if (outage === 'local' || operation === OPERATION.reset) return true;
  return outage === 'deny' && operation > OPERATION.peek;
}

function questionOf({ operation, meters, cost, startMs }: Check) {
  return { operation, meters, cost, nowUs: Math.floor(startMs * 1000) };
}

function untouched({ burst }: CompiledLimit): LimitOutcome {
  return { remaining: burst, resetUs: 0, waitUs: 0 };
}
