import type { Subject } from '../counting/subject.js';
import { matchesGlob } from './glob.js';

/** For whom an override holds, as it is stored. */
export interface StoredTarget {
  /** Digest of the one subject; undefined: the pattern says for whom. */
  readonly id?: string;
  /** Of the subject, for people. */
  readonly label?: string;
  readonly pattern?: string;
}

/** What holds instead of one limit: for single subjects, and for all whom a pattern stands for. */
export class LimitRules<Limit> {
  /** By digest of the subject. */
  private readonly exact = new Map<string, Limit>();
  /** The longest first: it is the most specific. */
  private readonly patterns: { readonly pattern: string; readonly limit: Limit }[] = [];

  add({ id, pattern = '' }: StoredTarget, limit: Limit): void {
    if (id === undefined) this.patterns.push({ pattern, limit });
    else this.exact.set(id, limit);
  }

  /** To be called when all are there. */
  sort(): void {
    this.patterns.sort(
      (one, other) => other.pattern.length - one.pattern.length || (one.pattern < other.pattern ? -1 : 1),
    );
  }

  /** The one of the subject itself, else that of the longest pattern; undefined: none is for this subject. */
  find({ digest, value }: Subject): Limit | undefined {
    return this.exact.get(digest) ?? this.patterns.find(({ pattern }) => matchesGlob(value, pattern))?.limit;
  }
}
