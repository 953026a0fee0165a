import type { Clock } from '../kernel/time.js';
import { type Asker, Check, type CheckParts } from './check.js';
import { CheckSubjects, type SubjectTexts } from './check-subjects.js';
import { outcomeOf } from './counting/local-counting.js';
import { OPERATION, unitsOf } from './counting/outcome.js';
import type { Ruling, Subject } from './counting/subject.js';
import type { SubjectTable } from './counting/subject-table.js';
import type { Decider } from './decider.js';
import { type Held, notHeld, withHeld } from './held.js';
import type { DecisionMetrics } from './decision-metrics.js';
import { NOTHING_APPLIES, RateLimitDecision } from './decision.js';
import { KnownDenials } from './known-denials.js';
import type { Plan, PolicyBook } from './policies/plan.js';
import type { Dimension } from './policies/policy.js';
import { type Request, ONE_UNIT, costOf } from './request.js';
import { ShadowWatch } from './shadow-watch.js';

export interface LimitEngineParts {
  readonly book: PolicyBook;
  readonly decider: Decider;
  readonly tables: (dimension: Dimension) => SubjectTable;
  readonly ruling: Ruling;
  /** Whether Redis counts this client; false for those that a canary leaves to this process. */
  readonly inRedis: (client: Subject) => boolean;
  readonly metrics: DecisionMetrics;
  readonly clock: Clock;
}

/** From the names of policies and the texts of subjects to a decision. */
export class LimitEngine implements Asker {
  private readonly subjects: CheckSubjects;
  private readonly shadows: ShadowWatch;
  private readonly denials: KnownDenials;
  /** Of what is held and given back, which metrics do not take for decisions. */
  private readonly holder: Asker;
  /** Of what is done by Redis or by nobody. */
  private readonly orderer: Asker;

  constructor(private readonly parts: LimitEngineParts) {
    const { decider, metrics, tables, ruling } = parts;
    this.subjects = new CheckSubjects(tables, ruling);
    this.shadows = new ShadowWatch({ subjects: this.subjects, decider, metrics });
    this.denials = new KnownDenials({ subjects: this.subjects, decider, tables, ruling, metrics });
    this.holder = {
      decided: (check, decision) => check.resolve(decision),
      undecided: (check, error) => decider.afterFailure(check, error),
    };
    this.orderer = { ...this.holder, undecided: () => undefined };
  }

  get book(): PolicyBook {
    return this.parts.book;
  }

  /**
   * @param values who is counted, in the order of the plan's dimensions; undefined: nobody, so its limits do not apply
   * @param held what `hold` has spent for the same request; given back where the request is denied, or costs something else
   * @returns the decision itself where nobody has to be asked, else a promise of it
   * @throws RedisUnavailableError, through the promise, where the purpose is closed
   */
  decide(
    plan: Plan,
    values: SubjectTexts,
    request = ONE_UNIT,
    held?: Held,
  ): RateLimitDecision | Promise<RateLimitDecision> {
    const startMs = this.parts.clock.monotonicMs();
    const again = request === ONE_UNIT && !held ? this.denials.again(plan, values, startMs) : undefined;
    if (again) return again;
    const client = this.subjects.gather(plan, values);
    if (!client) return NOTHING_APPLIES;
    const inRedis = this.parts.inRedis(client);
    const { operation } = request;
    if (operation <= OPERATION.peek) {
      const blocked = this.blocked(plan, request, inRedis, startMs);
      if (blocked) return this.insteadOf(held, blocked);
    }
    const meters = this.subjects.meters(plan.limits, inRedis);
    const cost = costOf(meters, request);
    // Before anything is watched: what is known to be denied has spent nothing, of a shadow neither.
    if (operation <= OPERATION.peek && inRedis) {
      const denial = this.denials.foresee({ plan, client, meters, cost, held }, startMs);
      if (denial) return this.insteadOf(held, denial);
    }
    this.shadows.watch(plan, request, { inRedis, startMs });
    const whole = { operation, cost, meters, inRedis, startMs };
    return held ? this.decideHeld(held, whole) : this.decideWhole(whole);
  }

  /**
   * Spends what is known of a request before all that counts is known, so that those who come meanwhile find it spent.
   * Metrics hear of denials only, shadows of nothing: `decide` asks for the rest, and what nobody decides stays spent,
   * by `keep`.
   *
   * @returns a decision where nothing is held: it is denied, or no limit applies
   * @throws RedisUnavailableError, through the promise, where the purpose is closed
   */
  hold(
    plan: Plan,
    values: SubjectTexts,
    request: Request,
  ): Held | RateLimitDecision | Promise<Held | RateLimitDecision> {
    const startMs = this.parts.clock.monotonicMs();
    const again = request === ONE_UNIT ? this.denials.again(plan, values, startMs) : undefined;
    if (again) return again;
    const client = this.subjects.gather(plan, values);
    if (!client) return NOTHING_APPLIES;
    const inRedis = this.parts.inRedis(client);
    const blocked = this.blocked(plan, request, inRedis, startMs);
    if (blocked) return blocked;
    const meters = this.subjects.meters(plan.limits, inRedis);
    if (meters.length === 0) return NOTHING_APPLIES;
    const cost = costOf(meters, request);
    const denial = inRedis ? this.denials.foresee({ plan, client, meters, cost }, startMs) : undefined;
    if (denial) return denial;
    const check = new Check(this.holder, { operation: OPERATION.spend, cost, meters, inRedis, startMs });
    const conclude = (decision: RateLimitDecision, nowMs: number): Held | RateLimitDecision => {
      if (decision.allowed) return { decision, check, plan, values, request };
      this.parts.metrics.decided(decision, nowMs - startMs);
      return decision;
    };
    return this.ask(check, conclude);
  }

  /**
   * Does something with all limits of the plan where they are counted, or not at all: nothing takes the place of Redis.
   *
   * @throws RedisUnavailableError, RedisCommandError, through the promise; it may have been done where nobody answered
   */
  order(plan: Plan, values: SubjectTexts, { operation, cost }: Request): Promise<RateLimitDecision> {
    const { clock, decider, inRedis } = this.parts;
    const client = this.subjects.gather(plan, values);
    if (!client) return Promise.resolve(NOTHING_APPLIES);
    const place = { inRedis: inRedis(client), startMs: clock.monotonicMs() };
    const meters = this.subjects.every(plan, place.inRedis);
    const check = new Check(this.orderer, { operation, cost, meters, ...place });
    const now = decider.beforeOrder(check);
    return now ? Promise.resolve(now) : this.askRedis(check);
  }

  /** Nobody decided the request: what was held of it stays spent, and shadows and metrics hear of it. */
  keep({ decision, check: { inRedis }, plan, values, request }: Held): void {
    const startMs = this.parts.clock.monotonicMs();
    this.subjects.gather(plan, values);
    // For those that stand aside.
    this.subjects.meters(plan.limits, inRedis);
    this.shadows.watch(plan, request, { inRedis, startMs });
    this.parts.metrics.decided(decision, 0);
  }

  /** Who is meant, with what operators have set about them. */
  subject(dimension: Dimension, value: string): Subject {
    return this.subjects.one(dimension, value);
  }

  /** Whether Redis counts this client; false for those that a canary leaves to this process. */
  countsInRedis(client: Subject): boolean {
    return this.parts.inRedis(client);
  }

  decided(check: Check, decision: RateLimitDecision, nowMs: number): void {
    // What is given back or taken afterwards allows nothing and denies nothing.
    if (check.operation <= OPERATION.peek) this.parts.metrics.decided(decision, nowMs - check.startMs);
    check.resolve(decision);
  }

  undecided(check: Check, error: unknown): RateLimitDecision | undefined {
    return this.parts.decider.afterFailure(check, error);
  }

  /** Asks for the limits that nothing is held of; all or none, so their denial gives back what is held. */
  private decideHeld(held: Held, whole: CheckParts): RateLimitDecision | Promise<RateLimitDecision> {
    const rest = notHeld(held, whole);
    if (!rest) return this.decideAnew(held, whole);
    const conclude = (decision: RateLimitDecision, nowMs: number) => {
      if (!decision.allowed) return this.decideAnew(held, whole);
      const joined = withHeld(held, whole.meters, decision);
      this.parts.metrics.decided(joined, nowMs - whole.startMs);
      return joined;
    };
    if (rest.meters.length === 0) return conclude(held.decision, whole.startMs);
    return this.ask(new Check(this.holder, { ...whole, ...rest }), conclude);
  }

  /** In one turn, so that Redis does both in one call and nobody comes between. */
  private decideAnew(held: Held, whole: CheckParts): RateLimitDecision | Promise<RateLimitDecision> {
    this.giveBack(held);
    return this.decideWhole(whole);
  }

  private decideWhole(whole: CheckParts): RateLimitDecision | Promise<RateLimitDecision> {
    const { decider, metrics } = this.parts;
    if (whole.meters.length === 0) return NOTHING_APPLIES;
    const check = new Check(this, whole);
    const now = decider.decideNow(check);
    if (now) {
      if (check.operation <= OPERATION.peek) metrics.decided(now, 0);
      return now;
    }
    return this.askRedis(check);
  }

  private askRedis(check: Check): Promise<RateLimitDecision> {
    return new Promise((resolve, reject) => {
      check.resolve = resolve;
      check.reject = reject;
      this.parts.decider.ask(check);
    });
  }

  /** Asks for a part of what a request costs. @param conclude what becomes of the answer, at that time */
  private ask<Said>(
    check: Check,
    conclude: (decision: RateLimitDecision, nowMs: number) => Said | Promise<Said>,
  ): Said | Promise<Said> {
    const { clock, decider } = this.parts;
    const now = decider.decideNow(check);
    if (now) return conclude(now, check.startMs);
    return new Promise((resolve, reject) => {
      check.resolve = (decision) => resolve(conclude(decision, clock.monotonicMs()));
      check.reject = reject;
      decider.ask(check);
    });
  }

  /** A denial: what is held of the request is given back. */
  private insteadOf(held: Held | undefined, denial: RateLimitDecision): RateLimitDecision {
    if (held) this.giveBack(held);
    return denial;
  }

  private giveBack({ check: { meters, cost, inRedis } }: Held): void {
    const { clock, decider } = this.parts;
    const startMs = clock.monotonicMs();
    const check = new Check(this.holder, { operation: OPERATION.refund, cost, meters, inRedis, startMs });
    if (!decider.decideNow(check)) decider.ask(check);
  }

  /** A block holds whatever the limits of the subject are, so it names them all. */
  private blocked(
    plan: Plan,
    request: Request,
    inRedis: boolean,
    nowMs: number,
  ): RateLimitDecision | undefined {
    const untilMs = this.subjects.blockedUntilMs();
    if (untilMs <= nowMs) return undefined;
    const meters = this.subjects.every(plan, inRedis);
    const cost = costOf(meters, request);
    const nowUs = Math.floor(nowMs * 1000);
    const outcomes = meters.map((meter, at) => outcomeOf(meter, unitsOf(cost, at), false, nowUs));
    const decision = new RateLimitDecision({
      meters,
      allowed: false,
      outcomes,
      backend: inRedis ? 'cache' : 'memory',
      degraded: false,
      blockedForMs: untilMs - nowMs,
    });
    this.parts.metrics.decided(decision, 0);
    return decision;
  }
}
