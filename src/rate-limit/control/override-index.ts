import type { Subject } from '../counting/subject.js';
import type { CompiledLimit } from '../policies/compiled-limit.js';
import type { PolicyBook } from '../policies/plan.js';
import { InvalidRulingError } from './control.errors.js';
import { matchesGlob } from './glob.js';
import { type LimitOverride, type Override, compileOverride } from './override.js';

/** What overrides one limit. */
interface LimitRules {
  /** By digest of the subject. */
  readonly exact: Map<string, CompiledLimit>;
  /** The longest first: it is the most specific. */
  readonly patterns: { readonly pattern: string; readonly limit: CompiledLimit }[];
}

/** Overrides as decisions need them: by the limit that they take the place of. */
export class OverrideIndex {
  private readonly rules = new Map<CompiledLimit, LimitRules>();
  private readonly compiled = new Map<Override, CompiledLimit>();
  /** Overrides that no policy of this process has a place for, or that a policy would be refused with. */
  readonly unfit: Override[] = [];

  /** @param before what it takes the place of: an override that stood there already is not compiled again */
  constructor(
    private readonly book: PolicyBook,
    overrides: Iterable<Override>,
    before?: OverrideIndex,
  ) {
    for (const override of overrides) {
      if (!('rule' in override)) {
        if (!book.has(override.policy)) this.unfit.push(override);
        continue;
      }
      const limit = before?.compiled.get(override) ?? this.compile(override);
      if (limit) this.add(override, limit);
      else this.unfit.push(override);
    }
    for (const { patterns } of this.rules.values())
      patterns.sort(
        (one, other) => other.pattern.length - one.pattern.length || (one.pattern < other.pattern ? -1 : 1),
      );
  }

  /** The one override of the subject itself, else that of the longest pattern, else the limit as its policy has it. */
  limitFor(limit: CompiledLimit, subject: Subject): CompiledLimit {
    const rules = this.rules.get(limit);
    if (!rules) return limit;
    const exact = rules.exact.get(subject.digest);
    if (exact) return exact;
    return rules.patterns.find(({ pattern }) => matchesGlob(subject.value, pattern))?.limit ?? limit;
  }

  private compile(override: LimitOverride): CompiledLimit | undefined {
    try {
      return this.book.has(override.policy)
        ? compileOverride(this.book.policy(override.policy), override)
        : undefined;
    } catch (error) {
      if (error instanceof InvalidRulingError) return undefined;
      throw error;
    }
  }

  private add(override: LimitOverride, limit: CompiledLimit): void {
    this.compiled.set(override, limit);
    const booked = this.book.policy(override.policy).limits.find((one) => one.limit.name === override.limit);
    if (!booked) return;
    const rules = this.rules.get(booked.limit) ?? { exact: new Map<string, CompiledLimit>(), patterns: [] };
    this.rules.set(booked.limit, rules);
    if (override.id === undefined) rules.patterns.push({ pattern: override.pattern ?? '', limit });
    else rules.exact.set(override.id, limit);
  }
}
