import type { LimitSeat } from '../counting/subject.js';
import { sharedTags } from '../limit-tag.js';
import { compileLimit } from './compiled-limit.js';
import type { Dimension, Policy, PolicyTable } from './policy.js';
import { PolicyError, assertPolicies } from './policy-rules.js';

/** A limit of the book: its seat among those of its dimension. */
export interface BookedLimit extends LimitSeat {
  readonly per: Dimension;
}

export interface BookedPolicy {
  readonly name: string;
  readonly definition: Policy;
  readonly limits: readonly BookedLimit[];
}

/** A limit of a plan: a booked one, and which of the plan's dimensions it counts. */
export interface PlannedLimit extends BookedLimit {
  readonly at: number;
}

export interface PlannedPolicy extends BookedPolicy {
  readonly limits: readonly PlannedLimit[];
}

/** The policies of one check in the order in which they are asked for, and whom they count. */
export class Plan {
  /** Each once, in the order in which `decide` wants the subjects: first those that tell one client from another. */
  readonly dimensions: readonly Dimension[];
  /** Of the policies that are enforced: spent together, all or none. */
  limits: readonly PlannedLimit[] = [];
  shadowed: readonly PlannedPolicy[] = [];
  /** Of all policies. */
  every: readonly PlannedLimit[] = [];

  constructor(private readonly policies: readonly BookedPolicy[]) {
    const dimensions = [...new Set(policies.flatMap(({ limits }) => limits.map(({ per }) => per)))];
    this.dimensions = dimensions.sort((one, other) => Number(isOfAll(one)) - Number(isOfAll(other)));
  }

  /** Sorts the policies into those that are enforced and those in shadow mode; those who hold the plan follow. */
  arrange(isShadowed: (policy: BookedPolicy) => boolean): this {
    const planned = ({ limits }: BookedPolicy): PlannedLimit[] =>
      limits.map((limit) => ({ ...limit, at: this.dimensions.indexOf(limit.per) }));
    this.every = this.policies.flatMap(planned);
    this.limits = this.policies.filter((policy) => !isShadowed(policy)).flatMap(planned);
    this.shadowed = this.policies
      .filter(isShadowed)
      .map((policy) => ({ ...policy, limits: planned(policy) }));
    return this;
  }
}

function isOfAll(dimension: Dimension): boolean {
  return dimension === 'global' || dimension === 'route';
}

/** Of one check: the script is told the numbers of limits as single bytes. */
const MOST_LIMITS = 127;
/** Names of policies may come from an operator, in any order: what is beyond is made anew each time. */
export const MOST_PLANS = 1024;

/** All policies that may be asked for, compiled once. */
export class PolicyBook {
  private readonly policies = new Map<string, BookedPolicy>();
  private readonly plans = new Map<string, Plan>();
  private readonly shadows = new Set<string>();

  /**
   * @param shadowed further policies in shadow mode
   * @throws PolicyError with every fault of every policy
   */
  constructor(table: PolicyTable, shadowed: readonly string[] = []) {
    assertPolicies(table);
    const strangers = shadowed.filter((name) => !Object.hasOwn(table, name));
    if (strangers.length > 0)
      throw new PolicyError(strangers.map((name) => `RATE_LIMIT_SHADOW: there is no policy "${name}"`));
    const seats = new Map<Dimension, number>();
    for (const [name, definition] of Object.entries(table)) {
      if (definition.mode === 'shadow' || shadowed.includes(name)) this.shadows.add(name);
      const limits = definition.limits.map((row) => {
        const seat = seats.get(row.per) ?? 0;
        seats.set(row.per, seat + 1);
        return { seat, per: row.per, limit: compileLimit(name, definition, row) };
      });
      this.policies.set(name, { name, definition, limits });
    }
    const shared = sharedTags(this.all().flatMap(({ limits }) => limits.map(({ limit }) => limit)));
    if (shared.length > 0) throw new PolicyError(shared);
  }

  all(): readonly BookedPolicy[] {
    return [...this.policies.values()];
  }

  has(name: string): boolean {
    return this.policies.has(name);
  }

  /** @throws RangeError for a policy that the book does not know */
  policy(name: string): BookedPolicy {
    const policy = this.policies.get(name);
    if (!policy) throw new RangeError(`There is no rate-limit policy "${name}"`);
    return policy;
  }

  /** Policies that count and report, and never deny. */
  shadowed(): readonly string[] {
    return [...this.shadows];
  }

  /** Changes the mode of a policy while it is in use. @throws RangeError for a policy that the book does not know */
  shadow(name: string, on: boolean): void {
    this.policy(name);
    if (on) this.shadows.add(name);
    else this.shadows.delete(name);
    for (const plan of this.plans.values()) plan.arrange(this.isShadowed);
  }

  private readonly isShadowed = ({ name }: BookedPolicy): boolean => this.shadows.has(name);

  /**
   * The same plan for the same names in the same order, in which a decision tells their limits. Beyond the first 1,024
   * orders a plan is not kept, and does not follow when the mode of a policy is changed.
   *
   * @throws RangeError for a policy that the book does not know, for none, and for more limits than one check may have
   */
  plan(names: string | readonly string[]): Plan {
    const key = typeof names === 'string' ? names : names.join(' ');
    return this.plans.get(key) ?? this.make(key, typeof names === 'string' ? [names] : names);
  }

  private make(key: string, names: readonly string[]): Plan {
    if (names.length === 0) throw new RangeError('A check needs at least one policy');
    const each = [...new Set(names)];
    if (each.length < names.length) return this.plan(each);
    const policies = each.map((name) => this.policy(name));
    const plan = new Plan(policies).arrange(this.isShadowed);
    if (plan.every.length > MOST_LIMITS)
      throw new RangeError(`A check is about ${MOST_LIMITS} limits at most; these have ${plan.every.length}`);
    if (this.plans.size < MOST_PLANS) this.plans.set(key, plan);
    return plan;
  }
}
