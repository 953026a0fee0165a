import type { RateLimitDecision } from './decision.js';
import { OPERATION, type Operation } from './counting/outcome.js';
import type { LimitEngine } from './limit-engine.js';
import type { RateLimitPolicyMap } from './policies/policies.js';
import type { Dimension, PolicyTable, Subjects } from './policies/policy.js';
import { subjectValue } from './policies/subject-value.js';
import { ONE_UNIT } from './request.js';

export interface CheckOptions {
  /** Units to spend; 1 unless told. More than the burst is never allowed. */
  readonly cost?: number;
}

/** One policy or several; several are spent together, all or none. */
type Names<Table> = (keyof Table & string) | readonly (keyof Table & string)[];

/**
 * Decides several limits together: all are spent, or none. This is the one class that features call.
 *
 * It knows no purpose: the module of this folder runs it on `rateLimit`, where it degrades; a feature that must not
 * degrade makes one of its own, with its own policies, on its own purpose (`createRateLimiter`).
 */
export class RateLimiter<Table extends PolicyTable | RateLimitPolicyMap = RateLimitPolicyMap> {
  constructor(private readonly engine: LimitEngine) {}

  /**
   * Spends the limits of the policies, all or none.
   *
   * @returns the decision; a denial is a value
   * @throws RangeError for an unknown policy, a cost that is no whole number above 0, or a subject that a limit needs
   *   and that is not given; RedisUnavailableError on a purpose that does not degrade
   */
  check(names: Names<Table>, subjects: Subjects, options?: CheckOptions): Promise<RateLimitDecision> {
    return this.perform(OPERATION.spend, names, subjects, options);
  }

  /** What `check` would say; nothing is spent. */
  peek(names: Names<Table>, subjects: Subjects, options?: CheckOptions): Promise<RateLimitDecision> {
    return this.perform(OPERATION.peek, names, subjects, options);
  }

  /** Gives units back; a limit is never more than full. */
  refund(names: Names<Table>, subjects: Subjects, options?: CheckOptions): Promise<RateLimitDecision> {
    return this.perform(OPERATION.refund, names, subjects, options);
  }

  /** Spends units whatever is left, for a cost that is known only afterwards; a limit is never less than empty. */
  charge(names: Names<Table>, subjects: Subjects, options?: CheckOptions): Promise<RateLimitDecision> {
    return this.perform(OPERATION.charge, names, subjects, options);
  }

  /** Corrects a check that was made with an estimate: refunds or charges the difference. Units. */
  async settle(
    names: Names<Table>,
    subjects: Subjects,
    { estimated, actual }: { readonly estimated: number; readonly actual: number },
  ): Promise<void> {
    for (const cost of [estimated, actual])
      if (!Number.isSafeInteger(cost) || cost < 0)
        throw new RangeError('A settled cost is a whole number of units, 0 or more');
    const more = actual - estimated;
    if (more < 0) await this.refund(names, subjects, { cost: -more });
    if (more > 0) await this.charge(names, subjects, { cost: more });
  }

  /** Makes the limits of these subjects full again. */
  async reset(names: Names<Table>, subjects: Subjects): Promise<void> {
    await this.perform(OPERATION.reset, names, subjects);
  }

  private perform(
    operation: Operation,
    names: Names<Table>,
    subjects: Subjects,
    options?: CheckOptions,
  ): Promise<RateLimitDecision> {
    try {
      const cost = options?.cost ?? 1;
      if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError('A cost is a whole number above 0');
      const plan = this.engine.book.plan(names);
      const { dimensions } = plan;
      // As long as it gets at once: every check makes one, and Array.from takes about twenty times as long.
      // eslint-disable-next-line unicorn/no-new-array -- the length is meant
      const values = new Array<string>(dimensions.length);
      for (let at = 0; at < values.length; at += 1)
        values[at] = subjectOf(subjects, dimensions[at] as Dimension, names);
      // No async function: its further promise would be a tenth of what a check costs.
      const request = cost === 1 && operation === OPERATION.spend ? ONE_UNIT : { operation, cost };
      return Promise.resolve(this.engine.decide(plan, values, request));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }
}

function subjectOf(subjects: Subjects, dimension: Dimension, names: string | readonly string[]): string {
  const given = subjectValue(subjects, dimension);
  if (given !== undefined) return given;
  const policies = [names].flat().map((name) => `"${name}"`);
  throw new RangeError(
    `Policy ${policies.join(' or ')} counts by ${dimension}, and no ${dimension} is given`,
  );
}
