import { ManualClock } from '../kernel/manual-clock.js';
import { RedisCommandError, RedisUnavailableError } from '../redis/index.js';
import { Check } from './check.js';
import { countLocally } from './counting/local-counting.js';
import { Meter } from './counting/meter.js';
import { OPERATION, type Operation } from './counting/outcome.js';
import type { Question } from './counting/question.js';
import { Decider } from './decider.js';
import type { RateLimitDecision } from './decision.js';
import { type CompiledLimit, compileLimit } from './policies/compiled-limit.js';
import type { LimitRow } from './policies/policy.js';

export function limitOf(row: LimitRow): CompiledLimit {
  return compileLimit('p', { limits: [row] }, row);
}

/** What becomes of questions: answered, counted without an answer, lost on the way, never sent, or refused. */
export type Fate = 'answered' | 'reply lost' | 'lost' | 'not sent' | 'refused';

/** Stands in the place of Redis: counts for all instances by the twin of its script, and suffers what Redis suffers. */
export class StandIn {
  fate: Fate = 'answered';
  /** What it was asked beside spends, in order. */
  readonly asked: string[] = [];
  private meters = new Map<string, Meter>();
  private waiting: (() => void)[] = [];

  constructor(readonly clock: ManualClock) {}

  ask(question: Question): void {
    const { fate } = this;
    const { operation, cost } = question;
    if (operation > OPERATION.peek) this.asked.push(`${nameOf(operation)} ${String(cost)}`);
    this.waiting.push(() => this.settle(question, fate));
  }

  /** Everything that was asked gets its end, and what is asked upon that. */
  flush(): void {
    while (this.waiting.length > 0) this.waiting.shift()?.();
  }

  forgetAll(): void {
    this.meters = new Map();
  }

  /** Units that are spent of a meter, as the server has it. */
  spent(meter: Meter): number {
    return this.twin(meter).spentUnits(this.nowUs);
  }

  private settle(question: Question, fate: Fate): void {
    const nowMs = this.clock.monotonicMs();
    const outcome = fate === 'answered' || fate === 'reply lost' ? this.count(question) : undefined;
    if (outcome && fate === 'answered') {
      for (const meter of question.meters) this.tell(meter);
      question.answered(outcome.allowed, outcome.outcomes, nowMs);
    } else question.failed(errorOf(fate), nowMs);
  }

  private count({ operation, meters, cost }: Question) {
    const twins = meters.map((meter) => this.twin(meter));
    return countLocally({ operation, meters: twins, cost, instances: 1, nowUs: this.nowUs });
  }

  private tell(meter: Meter): void {
    const twin = this.twin(meter);
    if (meter.limit.kind === 'rate') meter.setAhead(twin.aheadUs(this.nowUs), this.nowUs);
    else meter.setCounts(twin.counts(this.nowUs), this.nowUs);
  }

  private twin(meter: Meter): Meter {
    const known = this.meters.get(meter.field) ?? new Meter(meter.limit, meter.limit, '');
    this.meters.set(meter.field, known);
    // The numbers of a limit come with each question.
    known.limit = meter.limit;
    return known;
  }

  private get nowUs(): number {
    return Math.floor(this.clock.monotonicMs() * 1000);
  }
}

function nameOf(operation: Operation): string {
  return Object.entries(OPERATION).find(([, value]) => value === operation)?.[0] ?? String(operation);
}

function errorOf(fate: Fate): Error {
  if (fate === 'refused') return new RedisCommandError('rateLimit', 'evalsha', 'ERR', 'refused');
  const maybeExecuted = fate !== 'not sent';
  return new RedisUnavailableError({
    purpose: 'rateLimit',
    reason: 'timeout',
    retryAfterMs: 1000,
    maybeExecuted,
  });
}

/** One instance: a decider with meters of its own. */
export class Instance {
  /** Reasons that it gave for deciding alone. */
  readonly substitutes: string[] = [];
  private away = false;
  private readonly decider: Decider;
  private readonly meters = new Map<string, Meter>();

  constructor(
    private readonly redis: StandIn,
    private readonly limit: CompiledLimit,
    private readonly fleet: number,
  ) {
    this.decider = new Decider({
      redis,
      clock: redis.clock,
      lost: () => (this.away ? 'timeout' : undefined),
      closed: () => false,
      instances: () => this.fleet,
      chosenIsDegraded: false,
      onSubstitute: (reason) => this.substitutes.push(reason),
    });
  }

  meter(subject = 'one'): Meter {
    const field = subject.padEnd(16, '.');
    const known = this.meters.get(field) ?? new Meter(this.limit, this.limit, field);
    this.meters.set(field, known);
    return known;
  }

  /** Notices that Redis is lost. */
  leave(): void {
    this.away = true;
    this.decider.left();
  }

  /** Notices that Redis is there again. */
  comeBack(): void {
    this.away = false;
    this.decider.returned();
    this.redis.flush();
  }

  do(operation: keyof typeof OPERATION, subject?: string, cost = 1): RateLimitDecision {
    const meters = [this.meter(subject)];
    const { redis, decider } = this;
    const startMs = redis.clock.monotonicMs();
    let decided: RateLimitDecision | undefined;
    const asker = {
      decided: (_check: Check, decision: RateLimitDecision) => void (decided = decision),
      undecided: (check: Check, error: unknown) => decider.afterFailure(check, error),
    };
    const check = new Check(asker, { operation: OPERATION[operation], cost, meters, inRedis: true, startMs });
    decided = decider.decideNow(check);
    if (!decided) {
      decider.ask(check);
      redis.flush();
    }
    if (!decided) throw new Error('Nobody decided');
    return decided;
  }

  spend(subject?: string, cost?: number): boolean {
    return this.do('spend', subject, cost).allowed;
  }
}

export function openFleet(
  size: number,
  row: LimitRow,
): { clock: ManualClock; redis: StandIn; fleet: Instance[] } {
  const clock = new ManualClock();
  clock.advance(3_600_000);
  const redis = new StandIn(clock);
  const limit = limitOf(row);
  return { clock, redis, fleet: Array.from({ length: size }, () => new Instance(redis, limit, size)) };
}
