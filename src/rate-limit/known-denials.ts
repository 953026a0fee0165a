import type { CountSeries } from '../telemetry/index.js';
import type { CheckSubjects, SubjectTexts } from './check-subjects.js';
import type { Meter } from './counting/meter.js';
import { type Cost, unitsOf } from './counting/outcome.js';
import type { Denial, Ruling, Subject } from './counting/subject.js';
import type { SubjectTable } from './counting/subject-table.js';
import type { Decider } from './decider.js';
import { RateLimitDecision } from './decision.js';
import type { DecisionMetrics } from './decision-metrics.js';
import type { Held } from './held.js';
import { type DenialSource, ForeseenDenial, KnownDenial } from './known-denial.js';
import type { CompiledLimit } from './policies/compiled-limit.js';
import { MOST_PLANS, type Plan } from './policies/plan.js';
import type { Dimension } from './policies/policy.js';

export interface KnownDenialsParts {
  readonly decider: Decider;
  readonly tables: (dimension: Dimension) => SubjectTable;
  readonly subjects: CheckSubjects;
  readonly ruling: Ruling;
  readonly metrics: DecisionMetrics;
}

/** What is asked of Redis unless it is known to be denied. */
export interface Question {
  readonly plan: Plan;
  /** The plan's first subject. */
  readonly client: Subject;
  readonly meters: readonly Meter[];
  readonly cost: Cost;
  /** What was spent of the same request before. */
  readonly held?: Held | undefined;
}

/** Denials that need no question, by what Redis said before. */
export class KnownDenials {
  private readonly scopes = new Map<Plan, Scope>();

  constructor(private readonly parts: KnownDenialsParts) {}

  /**
   * The same denial as last time, of one unit and by a limit of the first subject: the one thing that is looked at
   * before anything else is even looked up, which is most of what a denial costs.
   */
  again(plan: Plan, values: SubjectTexts, nowMs: number): RateLimitDecision | undefined {
    const scope = this.scopes.get(plan);
    const value = values[0];
    if (!scope || value === undefined || !this.holds(scope)) return undefined;
    const { decider, ruling, metrics } = this.parts;
    const client = scope.table.get(value);
    const denial = client.deniedBy(nowMs);
    if (denial?.scope !== scope || !client.denier || decider.isAway) return undefined;
    if (ruling.anyBlocked && this.isBlocked(plan, values, nowMs)) return undefined;
    metrics.deniedAgain((denial as ScopedDenial).count);
    return new RateLimitDecision(new RepeatedDenial(client.denier, nowMs, { scope, values }));
  }

  /** By any of the limits that are to be asked; it is kept in mind for the next time. */
  foresee(question: Question, nowMs: number): RateLimitDecision | undefined {
    const { decider, metrics } = this.parts;
    const { plan, client, meters, cost, held } = question;
    const at = decider.knownDenial(meters, cost, nowMs, held?.check.meters);
    if (at < 0) return undefined;
    const denier = meters[at] as Meter;
    const { policy, burst } = denier.limit;
    this.remember(plan, client, denier, nowMs);
    metrics.knownDenial(policy, unitsOf(cost, at) > burst ? 'block' : 'throttle');
    // What was held is known here as spent, and denies nothing: it is being given back.
    const trusts = (meter: Meter): boolean => !held?.check.meters.includes(meter) && decider.trusts(meter);
    return new RateLimitDecision(new ForeseenDenial(denier, nowMs, { meters, cost, trusts }));
  }

  private remember(plan: Plan, client: Subject, denier: Meter, nowMs: number): void {
    if (!client.has(denier)) return;
    const untilMs = this.parts.decider.deniesUntilMs(denier, nowMs);
    if (untilMs > nowMs) client.denied(denier, this.scopeOf(plan).denialBy(denier.limit), untilMs);
  }

  private isBlocked(plan: Plan, values: SubjectTexts, nowMs: number): boolean {
    // A block holds longer than a limit denies, and may be about any of them.
    this.parts.subjects.gather(plan, values);
    return this.parts.subjects.blockedUntilMs() > nowMs;
  }

  private scopeOf(plan: Plan): Scope {
    const known = this.scopes.get(plan);
    if (known && this.holds(known)) return known;
    const made = new Scope(plan, this.parts);
    // No WeakMap, which is slower: plans beyond are not kept by their book either.
    if (known || this.scopes.size < MOST_PLANS) this.scopes.set(plan, made);
    return made;
  }

  private holds({ plan, limits, trust, edition }: Scope): boolean {
    const { decider, ruling } = this.parts;
    return limits === plan.limits && trust === decider.trusted && edition === ruling.edition;
  }
}

interface ScopedDenial extends Denial {
  readonly scope: Scope;
  readonly count: CountSeries | undefined;
}

/** What has not changed since a denial was made, for all subjects of a plan. */
class Scope {
  readonly limits: Plan['limits'];
  readonly trust: number;
  readonly edition: number;
  /** Of the plan's first dimension. */
  readonly table: SubjectTable;
  private readonly denials = new Map<CompiledLimit, ScopedDenial>();

  constructor(
    readonly plan: Plan,
    private readonly parts: KnownDenialsParts,
  ) {
    this.limits = plan.limits;
    this.trust = parts.decider.trusted;
    this.edition = parts.ruling.edition;
    this.table = parts.tables(plan.dimensions[0] as Dimension);
  }

  denialBy(limit: CompiledLimit): Denial {
    const known = this.denials.get(limit);
    if (known) return known;
    const made = { scope: this, limit, count: this.parts.metrics.knownDenials(limit.policy) };
    this.denials.set(limit, made);
    return made;
  }

  /** What a denial tells of all limits of the plan. */
  source(values: SubjectTexts): DenialSource {
    const { subjects, decider } = this.parts;
    subjects.gather(this.plan, values);
    const meters = subjects.meters(this.plan.limits, true);
    return { meters, cost: 1, trusts: (meter) => decider.trusts(meter) };
  }
}

/** Of which nothing was looked up but that it is one. */
class RepeatedDenial extends KnownDenial {
  private readonly scope: Scope;
  private readonly values: SubjectTexts;

  constructor(denier: Meter, nowMs: number, { scope, values }: { scope: Scope; values: SubjectTexts }) {
    super(denier, nowMs);
    this.scope = scope;
    this.values = values;
  }

  protected override source(): DenialSource {
    return this.scope.source(this.values);
  }
}
