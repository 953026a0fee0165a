import type { Subject } from '../counting/subject.js';
import type { ConcurrentLimit, Quotas } from '../leases/compiled-quota.js';
import type { CompiledLimit } from '../policies/compiled-limit.js';
import type { PolicyBook } from '../policies/plan.js';
import { InvalidRulingError } from './control.errors.js';
import { LimitRules } from './limit-rules.js';
import { type LimitOverride, type Override, compileOverride } from './override.js';
import { type StreamOverride, compileStreamOverride } from './stream-override.js';

/** What this process has to which something can be overridden. */
export interface Overridable {
  readonly book: PolicyBook;
  readonly quotas: Quotas;
}

/** Overrides as decisions need them: by the limit that they take the place of. */
export class OverrideIndex {
  private readonly rules = new Map<CompiledLimit, LimitRules<CompiledLimit>>();
  private readonly streamRules = new Map<ConcurrentLimit, LimitRules<ConcurrentLimit>>();
  private readonly compiled = new Map<Override, CompiledLimit>();
  /** Overrides that nothing of this process has a place for, or that a policy or quota would be refused with. */
  readonly unfit: Override[] = [];

  /** @param before what it takes the place of: an override that stood there already is not compiled again */
  constructor(
    private readonly has: Overridable,
    overrides: Iterable<Override>,
    before?: OverrideIndex,
  ) {
    for (const override of overrides) if (!this.take(override, before)) this.unfit.push(override);
    for (const rules of [...this.rules.values(), ...this.streamRules.values()]) rules.sort();
  }

  /** The one override of the subject itself, else that of the longest pattern, else the limit as its policy has it. */
  limitFor(limit: CompiledLimit, subject: Subject): CompiledLimit {
    return this.rules.get(limit)?.find(subject) ?? limit;
  }

  /** The same of a stream quota. */
  streamLimitFor(limit: ConcurrentLimit, subject: Subject): ConcurrentLimit {
    return this.streamRules.get(limit)?.find(subject) ?? limit;
  }

  private take(override: Override, before: OverrideIndex | undefined): boolean {
    if ('policyMode' in override) return this.has.book.has(override.policy);
    try {
      if ('streamQuota' in override) return this.addStreams(override);
      return this.addLimit(override, before?.compiled.get(override));
    } catch (error) {
      if (error instanceof InvalidRulingError) return false;
      throw error;
    }
  }

  private addLimit(override: LimitOverride, known: CompiledLimit | undefined): boolean {
    const { book } = this.has;
    if (!book.has(override.policy)) return false;
    const policy = book.policy(override.policy);
    const limit = known ?? compileOverride(policy, override);
    const base = policy.limits.find((one) => one.limit.name === override.limit)?.limit;
    if (!base) return false;
    this.compiled.set(override, limit);
    rulesOf(this.rules, base).add(override, limit);
    return true;
  }

  private addStreams(override: StreamOverride): boolean {
    const quota = this.has.quotas.get(override.streamQuota);
    if (!quota) return false;
    const limit = compileStreamOverride(quota, override);
    const base = quota.limits.find(({ name }) => name === override.limit);
    if (base) rulesOf(this.streamRules, base).add(override, limit);
    return true;
  }
}

function rulesOf<Limit>(all: Map<Limit, LimitRules<Limit>>, base: Limit): LimitRules<Limit> {
  const known = all.get(base);
  if (known) return known;
  const made = new LimitRules<Limit>();
  all.set(base, made);
  return made;
}
