import type { Subject } from '../counting/subject.js';
import type { Quotas } from '../leases/compiled-quota.js';
import type { LimitEngine } from '../limit-engine.js';
import type { Dimension } from '../policies/policy.js';
import { type BlockedSubject, isDigest, isDimensionName, maskedLabel } from './blocked-subject.js';
import { InvalidRulingError } from './control.errors.js';
import type { StoredTarget } from './limit-rules.js';
import { LONGEST_PATTERN } from './override.js';
import { namedSubject } from './subject-text.js';

/** For whom an override holds: one subject, or all whose one spelling a pattern stands for, `*` being any characters. */
export type OverrideTarget =
  | { readonly subject: string }
  | { readonly pattern: string }
  /** Digest of a subject, as `overrides` lists it. */
  | { readonly id: string };

/** Whom operators mean. */
export class RulingSubjects {
  constructor(
    private readonly engine: LimitEngine,
    private readonly quotas: Quotas,
  ) {}

  /** @throws InvalidRulingError where nothing counts by the dimension, or the text cannot be one of its subjects */
  find(dimension: Dimension, text: string): Subject {
    if (!this.isCounted(dimension) || !isDimensionName(dimension))
      throw new InvalidRulingError([`No limit counts by "${dimension.slice(0, 64)}".`]);
    return namedSubject(dimension, text, (...words) => this.engine.subject(...words));
  }

  /** @throws as `find` */
  toBlock(dimension: Dimension, text: string): BlockedSubject {
    const { value, digest } = this.find(dimension, text);
    return { dimension, id: digest, label: maskedLabel(dimension, value) };
  }

  /**
   * @param per whom the limit counts; undefined: this process has no such limit
   * @throws InvalidRulingError
   */
  target(target: OverrideTarget, per: Dimension | undefined): StoredTarget {
    if ('id' in target) {
      if (!isDigest(target.id)) throw new InvalidRulingError(['An id is one that a list of rulings shows.']);
      return { id: target.id };
    }
    if ('subject' in target) {
      if (!per)
        throw new InvalidRulingError([
          'There is no such limit in this release, so whom it counted is not known; name the id that the list of overrides shows.',
        ]);
      const { value, digest } = this.find(per, target.subject);
      return { id: digest, label: maskedLabel(per, value) };
    }
    if (target.pattern.length < 1 || target.pattern.length > LONGEST_PATTERN || /[\n\r]/.test(target.pattern))
      throw new InvalidRulingError([`A pattern is one line of 1 to ${LONGEST_PATTERN} characters.`]);
    return { pattern: target.pattern };
  }

  private isCounted(dimension: Dimension): boolean {
    const bySome = (limits: readonly { readonly per: Dimension }[]): boolean =>
      limits.some(({ per }) => per === dimension);
    return (
      this.engine.book.all().some(({ limits }) => bySome(limits)) ||
      [...this.quotas.values()].some(({ limits }) => bySome(limits))
    );
  }
}
