import type { Clock } from '../../kernel/time.js';
import { OPERATION } from '../counting/outcome.js';
import type { RateLimitDecision } from '../decision.js';
import type { LimitEngine } from '../limit-engine.js';
import type { BookedPolicy, Plan } from '../policies/plan.js';
import type { Dimension, Subjects } from '../policies/policy.js';
import { type BlockedSubject, memberOf } from './blocked-subject.js';
import { InvalidRulingError, TooManyRulingsError } from './control.errors.js';
import {
  type LimitOverride,
  type Override,
  type OverrideRule,
  type PolicyMode,
  compileOverride,
  fieldOf,
  isName,
  valueOf,
} from './override.js';
import { LONGEST_BLOCK_MS, MOST_BLOCKS, MOST_OVERRIDES, type RulingChange } from './ruling-store.js';
import { type OverrideTarget, RulingSubjects } from './ruling-subjects.js';
import type { RulingSync } from './ruling-sync.js';
import type { Block, Rulings } from './rulings.js';
import { type StreamOverride, compileStreamOverride } from './stream-override.js';
import { plainText } from './subject-text.js';

/** A block as people see it. */
export interface BlockReport extends BlockedSubject {
  /** Wall clock of this process, milliseconds since the epoch. */
  readonly untilMs: number;
}

/** `inForce` is false where this process has no such policy or limit, as while a new release is rolled out. */
export type OverrideReport = Override & { readonly inForce: boolean };

export interface RateLimitControlParts {
  readonly engine: LimitEngine;
  readonly rulings: Rulings;
  readonly sync: RulingSync;
  readonly clock: Clock;
}

/**
 * What operators may set while the application runs: who is blocked, which limits are other ones for whom, which policies
 * only watch. It holds on the instance that was asked when the promise resolves, and on all others within a second.
 * With RATE_LIMIT_BACKEND=memory it holds in this process only, and until it ends.
 *
 * Every method that changes something is rejected with RedisUnavailableError while the purpose is away, and nothing of it
 * is done here alone; where the error says `maybeExecuted`, Redis may have done it, and the same call again is right.
 */
export class RateLimitControl {
  private readonly subjects: RulingSubjects;

  constructor(private readonly parts: RateLimitControlParts) {
    this.subjects = new RulingSubjects(parts.engine, parts.rulings.quotas);
  }

  /**
   * Denies everything to a subject, whatever its limits say and whatever its overrides are. A second call sets a new end.
   *
   * @param forMs whole milliseconds, 1 to 366 days
   * @throws InvalidRulingError, TooManyRulingsError beyond 10,000 blocks
   */
  async block(dimension: Dimension, subject: string, forMs: number): Promise<BlockReport> {
    if (!Number.isSafeInteger(forMs) || forMs < 1 || forMs > LONGEST_BLOCK_MS)
      throw new InvalidRulingError([`A block lasts 1 to ${LONGEST_BLOCK_MS} whole milliseconds.`]);
    const blocked = this.subjects.toBlock(dimension, subject);
    await this.change({ kind: 'block', member: memberOf(blocked), forMs });
    return { ...blocked, untilMs: this.parts.clock.nowMs() + forMs };
  }

  /**
   * @param subject its text, or its digest as `blocked` lists it
   * @returns false where it was not blocked
   * @throws InvalidRulingError, RedisUnavailableError
   */
  async unblock(dimension: Dimension, subject: string | { readonly id: string }): Promise<boolean> {
    const { rulings, sync } = this.parts;
    const named = typeof subject === 'string' ? this.subjects.toBlock(dimension, subject) : undefined;
    const id = named?.id ?? (subject as { readonly id: string }).id;
    // By an id alone it can be lifted only as it is held here; that it is nowhere else is for Redis to say.
    if (!named && !rulings.blockOf(id)) await sync.catchUp();
    const held = rulings.blockOf(id);
    const members = [named, held?.dimension === dimension ? held : undefined].flatMap((one) =>
      one ? [memberOf(one)] : [],
    );
    if (members.length === 0) return false;
    return this.change({ kind: 'unblock', members: [...new Set(members)] });
  }

  /** Those whose block ends first in front. */
  blocked(): readonly BlockReport[] {
    const { rulings, clock } = this.parts;
    const skewMs = clock.nowMs() - clock.monotonicMs();
    return rulings.blocked().map((block) => reportOf(block, skewMs));
  }

  /**
   * Another limit for a subject or a pattern. Of several the most specific holds: that of the subject itself, else that
   * of the longest pattern. A subject is kept as its digest; the pattern is kept as it is, so it should name nobody.
   * A changed window may begin the count anew, since states are kept by the length of the window.
   *
   * @throws InvalidRulingError for what would be refused in a policy at start; TooManyRulingsError beyond 1,000
   */
  async override(policy: string, limit: string, target: OverrideTarget, rule: OverrideRule): Promise<void> {
    const booked = this.policy(policy);
    const per = perOf(booked, limit);
    if (!per) throw new InvalidRulingError([`Policy "${booked.name}" has no limit "${limit.slice(0, 64)}".`]);
    const override: LimitOverride = { policy, limit, ...this.subjects.target(target, per), rule };
    compileOverride(booked, override);
    await this.change({ kind: 'override', field: fieldOf(override), value: valueOf(override) });
  }

  /**
   * Also lifts what is not in force, as for a limit that was renamed: by pattern or id, since nobody knows any more whom
   * that limit counted.
   *
   * @returns false where there was none
   * @throws InvalidRulingError
   */
  async removeOverride(policy: string, limit: string, target: OverrideTarget): Promise<boolean> {
    assertNames(policy, limit);
    const { book } = this.parts.engine;
    const per = book.has(policy) ? perOf(book.policy(policy), limit) : undefined;
    return this.change({
      kind: 'lift',
      field: fieldOf({ policy, limit, ...this.subjects.target(target, per) }),
    });
  }

  /**
   * Another number of open streams for a subject or a pattern, under one limit of a stream quota. What is open stays open;
   * the new number is for whoever opens a stream from now on, also while Redis is away.
   *
   * @param streams a whole number from 1 to 100,000
   * @throws InvalidRulingError for what would be refused in a stream quota at start; TooManyRulingsError beyond 1,000
   *   overrides, those of policies included
   */
  async overrideStreams(
    quota: string,
    limit: string,
    target: OverrideTarget,
    streams: number,
  ): Promise<void> {
    const known = this.parts.rulings.quotas.get(quota);
    if (!known) throw new InvalidRulingError([`There is no stream quota "${quota.slice(0, 64)}".`]);
    // Before whom it is for, which without a limit nobody could tell.
    const bare = { streamQuota: quota, limit, streams };
    const { per } = compileStreamOverride(known, bare);
    const override: StreamOverride = { ...bare, ...this.subjects.target(target, per) };
    await this.change({ kind: 'override', field: fieldOf(override), value: valueOf(override) });
  }

  /** As `removeOverride`. @returns false where there was none. @throws InvalidRulingError */
  async removeStreamOverride(quota: string, limit: string, target: OverrideTarget): Promise<boolean> {
    assertNames(quota, limit);
    const known = this.parts.rulings.quotas.get(quota);
    const per = known?.limits.find(({ name }) => name === limit)?.per;
    const place = { streamQuota: quota, limit, ...this.subjects.target(target, per) };
    return this.change({ kind: 'lift', field: fieldOf(place) });
  }

  /**
   * Makes a whole policy deny or only watch, whatever it was at start; `undefined`: as it was at start.
   *
   * @returns whether there was anything to change
   * @throws InvalidRulingError for an unknown policy, unless its mode is given back; TooManyRulingsError
   */
  async setMode(policy: string, mode: PolicyMode | undefined): Promise<boolean> {
    if (mode === undefined) {
      assertNames(policy);
      return this.change({ kind: 'lift', field: policy });
    }
    this.policy(policy);
    const override = { policy, policyMode: mode };
    return this.change({ kind: 'override', field: fieldOf(override), value: valueOf(override) });
  }

  /** Everything that is set; a subject is shown by digest and label. */
  overrides(): readonly OverrideReport[] {
    const { rulings } = this.parts;
    return rulings.all().map((override) => ({ ...override, inForce: rulings.isInForce(override) }));
  }

  /**
   * Makes limits full again, of the given dimensions only: `reset(['signup'], { ip })` leaves the limit of everybody as it is.
   * What other instances know of denials is forgotten within a second.
   *
   * @returns the decision, whose backend says who has done it: `memory` is this instance alone, for a client that it was
   *   chosen to count
   * @throws InvalidRulingError for an unknown policy, or when no limit of the policies counts a given dimension
   */
  async reset(policies: readonly string[], subjects: Subjects): Promise<RateLimitDecision> {
    const { engine } = this.parts;
    if (policies.length === 0) throw new InvalidRulingError(['Name a policy.']);
    for (const name of policies) this.policy(name);
    const plan = this.plan(policies);
    for (const dimension of Object.keys(subjects) as Dimension[]) {
      if (!plan.dimensions.includes(dimension))
        throw new InvalidRulingError([`No limit of these policies counts by "${dimension}".`]);
    }
    const values = plan.dimensions.map((dimension) => this.textOf(dimension, subjects[dimension]));
    if (values.every((value) => value === undefined)) throw new InvalidRulingError(['Name a subject.']);
    return engine.order(plan, values, { operation: OPERATION.reset, cost: 1 });
  }

  private textOf(dimension: Dimension, text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    this.subjects.find(dimension, text);
    return dimension === 'global' ? 'all' : plainText(dimension, text);
  }

  private async change(change: RulingChange): Promise<boolean> {
    const { outcome } = await this.parts.sync.change(change);
    if (outcome === 'full')
      throw change.kind === 'block'
        ? new TooManyRulingsError('blocks', MOST_BLOCKS)
        : new TooManyRulingsError('overrides', MOST_OVERRIDES);
    return outcome === 'changed';
  }

  /** Sorted, because the book keeps a plan for every order that it is asked for, and here the order says nothing. */
  private plan(policies: readonly string[]): Plan {
    try {
      return this.parts.engine.book.plan([...new Set(policies)].sort());
    } catch (error) {
      if (error instanceof RangeError) throw new InvalidRulingError([error.message]);
      throw error;
    }
  }

  private policy(name: string): BookedPolicy {
    const { book } = this.parts.engine;
    if (!book.has(name)) throw new InvalidRulingError([`There is no policy "${name.slice(0, 64)}".`]);
    return book.policy(name);
  }
}

function perOf({ limits }: BookedPolicy, name: string): Dimension | undefined {
  return limits.find(({ limit }) => limit.name === name)?.per;
}

/** What is lifted may be of another release, so its names need not be known here. */
function assertNames(...names: readonly string[]): void {
  if (!names.every(isName))
    throw new InvalidRulingError([
      'A policy, a stream quota and a limit have names of up to 32 lower-case letters, digits and hyphens.',
    ]);
}

function reportOf({ dimension, id, label, untilMs }: Block, skewMs: number): BlockReport {
  return { dimension, id, label, untilMs: Math.round(untilMs + skewMs) };
}
