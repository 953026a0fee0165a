import type { Clock } from '../kernel/time.js';
import { type Asker, Check } from './check.js';
import { outcomeOf } from './counting/local-counting.js';
import type { Meter } from './counting/meter.js';
import { type Cost, OPERATION, type Operation, unitsOf } from './counting/outcome.js';
import type { Ruling, Subject } from './counting/subject.js';
import type { SubjectTable } from './counting/subject-table.js';
import type { Decider } from './decider.js';
import type { DecisionMetrics } from './decision-metrics.js';
import { NOTHING_APPLIES, RateLimitDecision } from './decision.js';
import { MOST_PLANS, type Plan, type PlannedLimit, type PolicyBook } from './policies/plan.js';
import type { Dimension } from './policies/policy.js';

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

/** What is asked of a plan. */
export interface Request {
  readonly operation: Operation;
  /** Units; 1 or more. */
  readonly cost: number;
  /** Units of the policies that cost something else, by name. */
  readonly costs?: ReadonlyMap<string, number>;
}

export const ONE_UNIT: Request = { operation: OPERATION.spend, cost: 1 };

/** From the names of policies and the texts of subjects to a decision. */
export class LimitEngine implements Asker {
  /** The subjects of the check that is being put together; checks begin one after the other. */
  private readonly subjects: (Subject | undefined)[] = [];
  private gathered = 0;
  /** Limits of the check that is being put together which are in shadow mode for its subjects only. */
  private readonly aside: Meter[] = [];
  private readonly tablesOf = new Map<Plan, readonly SubjectTable[]>();

  constructor(private readonly parts: LimitEngineParts) {}

  get book(): PolicyBook {
    return this.parts.book;
  }

  /**
   * @param values who is counted, in the order of the plan's dimensions; undefined: nobody, so its limits do not apply
   * @returns the decision itself where nobody has to be asked, else a promise of it
   * @throws RedisUnavailableError, through the promise, where the purpose is closed
   */
  decide(
    plan: Plan,
    values: readonly (string | undefined)[],
    request = ONE_UNIT,
  ): RateLimitDecision | Promise<RateLimitDecision> {
    const { clock, decider, metrics } = this.parts;
    const client = this.gather(plan, values);
    if (!client) return NOTHING_APPLIES;
    const startMs = clock.monotonicMs();
    const inRedis = this.parts.inRedis(client);
    const { operation } = request;
    if (operation <= OPERATION.peek) {
      const blocked = this.blocked(plan, request, inRedis, startMs);
      if (blocked) return blocked;
    }
    const meters = this.metersOf(plan.limits, inRedis);
    const cost = costOf(meters, request);
    // Before anything is watched: what is known to be denied has spent nothing, of a shadow neither.
    if (operation <= OPERATION.peek && inRedis) {
      const at = decider.knownDenial(meters, cost, startMs);
      if (at >= 0) {
        this.aside.length = 0;
        return this.deny(meters, at, cost, startMs);
      }
    }
    if (this.aside.length > 0) this.watchAside(request, inRedis, startMs);
    if (plan.shadowed.length > 0) this.watch(plan, request, inRedis, startMs);
    if (meters.length === 0) return NOTHING_APPLIES;
    const check = new Check(this, { operation, cost, meters, inRedis, startMs });
    const now = decider.decideNow(check);
    if (now) {
      if (operation <= OPERATION.peek) metrics.decided(now, 0);
      return now;
    }
    return new Promise((resolve, reject) => {
      check.resolve = resolve;
      check.reject = reject;
      decider.ask(check);
    });
  }

  /**
   * The denial that one unit would get, where nobody has to be asked for it; nothing is spent.
   *
   * @returns undefined where it would pass, or where only Redis can tell
   */
  denialNow(plan: Plan, values: readonly (string | undefined)[]): RateLimitDecision | undefined {
    const { clock, decider } = this.parts;
    const client = this.gather(plan, values);
    if (!client) return undefined;
    const startMs = clock.monotonicMs();
    const inRedis = this.parts.inRedis(client);
    const blocked = this.blocked(plan, ONE_UNIT, inRedis, startMs);
    if (blocked) return blocked;
    const meters = this.metersOf(plan.limits, inRedis);
    this.aside.length = 0;
    if (meters.length === 0) return undefined;
    const at = inRedis ? decider.knownDenial(meters, 1, startMs) : -1;
    if (at >= 0) return this.deny(meters, at, 1, startMs);
    const now = decider.decideNow(
      new Check(this, { operation: OPERATION.peek, cost: 1, meters, inRedis, startMs }),
    );
    if (!now || now.allowed) return undefined;
    this.parts.metrics.decided(now, 0);
    return now;
  }

  /** Who is meant, with what operators have set about them. */
  subject(dimension: Dimension, value: string): Subject {
    const subject = this.parts.tables(dimension).get(value);
    subject.follow(this.parts.ruling);
    return subject;
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

  /** @returns the first subject: one client is counted in one place, whatever else the check is about */
  private gather(plan: Plan, values: readonly (string | undefined)[]): Subject | undefined {
    const { subjects } = this;
    const { ruling } = this.parts;
    const tables = this.tablesOf.get(plan) ?? this.openTables(plan);
    let client: Subject | undefined;
    this.gathered = tables.length;
    for (let at = 0; at < tables.length; at += 1) {
      const value = values[at];
      const subject = value === undefined ? undefined : (tables[at] as SubjectTable).get(value);
      subject?.follow(ruling);
      subjects[at] = subject;
      client ??= subject;
    }
    return client;
  }

  private openTables(plan: Plan): readonly SubjectTable[] {
    const tables = plan.dimensions.map((dimension) => this.parts.tables(dimension));
    // No WeakMap, which is slower: plans beyond are not kept by their book either.
    if (this.tablesOf.size < MOST_PLANS) this.tablesOf.set(plan, tables);
    return tables;
  }

  /** Limits that an operator has made one subject free of are left out; those that only watch it go aside. */
  private metersOf(limits: readonly PlannedLimit[], inRedis: boolean): Meter[] {
    const meters: Meter[] = [];
    for (const limit of limits) {
      const subject = this.subjects[limit.at];
      if (!subject) continue;
      const meter = subject.meter(limit, this.parts.ruling, inRedis);
      if (meter.limit.spared === undefined) meters.push(meter);
      else if (meter.limit.spared === 'shadow') this.aside.push(meter);
    }
    return meters;
  }

  /** By a denial of Redis that still holds. A flood gets nothing else, so only what is asked for is worked out. */
  private deny(meters: readonly Meter[], at: number, cost: Cost, nowMs: number): RateLimitDecision {
    const { policy, burst } = (meters[at] as Meter).limit;
    this.parts.metrics.knownDenial(policy, unitsOf(cost, at) > burst ? 'block' : 'throttle');
    const outcomes = () =>
      meters.map((meter, place) => {
        const denies = place === at || this.parts.decider.trusts(meter);
        const outcome = outcomeOf(meter, unitsOf(cost, place), denies, Math.floor(nowMs * 1000));
        // Should the limit have been filled up in the meantime, then this was a denial all the same.
        return place === at && outcome.waitUs === 0 ? { ...outcome, waitUs: 1 } : outcome;
      });
    return new RateLimitDecision(meters, { allowed: false, outcomes, backend: 'cache', degraded: false });
  }

  /** A policy in shadow mode is counted beside the others, and decides nothing. */
  private watch({ shadowed }: Plan, request: Request, inRedis: boolean, startMs: number): void {
    for (const { name, limits } of shadowed) {
      const meters = this.metersOf(limits, inRedis);
      this.observe(name, [...meters, ...this.aside.splice(0)], request, { inRedis, startMs });
    }
  }

  /** Limits that are in shadow mode for these subjects only. */
  private watchAside(request: Request, inRedis: boolean, startMs: number): void {
    const aside = this.aside.splice(0);
    for (const policy of new Set(aside.map(({ limit }) => limit.policy))) {
      const meters = aside.filter(({ limit }) => limit.policy === policy);
      this.observe(policy, meters, request, { inRedis, startMs });
    }
  }

  private observe(
    policy: string,
    meters: readonly Meter[],
    request: Request,
    { inRedis, startMs }: Pick<Check, 'inRedis' | 'startMs'>,
  ): void {
    const { operation } = request;
    if (meters.length === 0 || operation === OPERATION.peek) return;
    const { decider, metrics } = this.parts;
    const cost = costOf(meters, request);
    const spends = operation === OPERATION.spend;
    if (spends && inRedis && decider.knownDenial(meters, cost, startMs) >= 0) {
      metrics.wouldDeny(policy);
      return;
    }
    const asker: Asker = {
      decided: (_check, { allowed }) => {
        if (!allowed && spends) metrics.wouldDeny(policy);
      },
      undecided: (check, error) => decider.afterFailure(check, error),
    };
    const check = new Check(asker, { operation, cost, meters, inRedis, startMs });
    const now = decider.decideNow(check);
    if (now) asker.decided(check, now, startMs);
    else decider.ask(check);
  }

  /** A block holds whatever the limits of the subject are, so it names them all. */
  private blocked(
    plan: Plan,
    request: Request,
    inRedis: boolean,
    nowMs: number,
  ): RateLimitDecision | undefined {
    let untilMs = 0;
    for (let at = 0; at < this.gathered; at += 1) {
      const subject = this.subjects[at];
      if (subject && subject.blockedUntilMs > untilMs) untilMs = subject.blockedUntilMs;
    }
    if (untilMs <= nowMs) return undefined;
    const meters = plan.every.flatMap((limit) => {
      const subject = this.subjects[limit.at];
      return subject ? [subject.meter(limit, this.parts.ruling, inRedis)] : [];
    });
    const cost = costOf(meters, request);
    const nowUs = Math.floor(nowMs * 1000);
    const outcomes = meters.map((meter, at) => outcomeOf(meter, unitsOf(cost, at), false, nowUs));
    const decision = new RateLimitDecision(meters, {
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

function costOf(meters: readonly Meter[], { cost, costs }: Request): Cost {
  return costs ? meters.map(({ limit }) => costs.get(limit.policy) ?? cost) : cost;
}
