import type { Meter } from './counting/meter.js';
import type { Ruling, Subject } from './counting/subject.js';
import type { SubjectTable } from './counting/subject-table.js';
import { MOST_PLANS, type Plan, type PlannedLimit } from './policies/plan.js';
import type { Dimension } from './policies/policy.js';

/** Who is counted, in the order of a plan's dimensions; undefined: nobody, so its limits do not apply. */
export type SubjectTexts = readonly (string | undefined)[];

/**
 * The subjects of the check that is being put together, and their limits. One for all checks, because they begin one
 * after the other and each would make its own otherwise.
 */
export class CheckSubjects {
  private readonly subjects: (Subject | undefined)[] = [];
  private count = 0;
  /** Limits which are in shadow mode for these subjects only. */
  private aside: readonly Meter[] = NONE;
  private readonly tablesOf = new Map<Plan, readonly SubjectTable[]>();

  constructor(
    private readonly tables: (dimension: Dimension) => SubjectTable,
    private readonly ruling: Ruling,
  ) {}

  /** Somebody, with what operators have set about them. */
  one(dimension: Dimension, value: string): Subject {
    return this.follow(this.tables(dimension), value);
  }

  /** @returns the first subject: one client is counted in one place, whatever else the check is about */
  gather(plan: Plan, values: SubjectTexts): Subject | undefined {
    const tables = this.tablesOf.get(plan) ?? this.openTables(plan);
    let client: Subject | undefined;
    this.count = tables.length;
    this.aside = NONE;
    for (let at = 0; at < tables.length; at += 1) {
      const value = values[at];
      const subject = value === undefined ? undefined : this.follow(tables[at] as SubjectTable, value);
      this.subjects[at] = subject;
      client ??= subject;
    }
    return client;
  }

  /** Limits that an operator has made one subject free of are left out; those that only watch it go aside. */
  meters(limits: readonly PlannedLimit[], inRedis: boolean): Meter[] {
    // As long as it may get: an array that grows takes room for 17 at once, which is garbage in a moment.
    // eslint-disable-next-line unicorn/no-new-array -- the length is meant; Array.from takes about twenty times as long
    const meters = new Array<Meter>(limits.length);
    let count = 0;
    for (const limit of limits) {
      const meter = this.subjects[limit.at]?.meter(limit, this.ruling, inRedis);
      if (!meter) continue;
      if (meter.limit.spared === undefined) meters[count++] = meter;
      else if (meter.limit.spared === 'shadow') this.aside = [...this.aside, meter];
    }
    if (count < meters.length) meters.length = count;
    return meters;
  }

  /** Of every policy, whatever an operator has made a subject free of. */
  every(plan: Plan, inRedis: boolean): Meter[] {
    return plan.every.flatMap((limit) => this.subjects[limit.at]?.meter(limit, this.ruling, inRedis) ?? []);
  }

  /** Limits that were put aside since they were last taken. */
  takeAside(): readonly Meter[] {
    const { aside } = this;
    this.aside = NONE;
    return aside;
  }

  /** Until when an operator has blocked one of them; monotonic milliseconds. */
  blockedUntilMs(): number {
    let untilMs = 0;
    for (let at = 0; at < this.count; at += 1) {
      const subject = this.subjects[at];
      if (subject && subject.blockedUntilMs > untilMs) untilMs = subject.blockedUntilMs;
    }
    return untilMs;
  }

  private follow(table: SubjectTable, value: string): Subject {
    const subject = table.get(value);
    subject.follow(this.ruling);
    return subject;
  }

  private openTables(plan: Plan): readonly SubjectTable[] {
    const tables = plan.dimensions.map((dimension) => this.tables(dimension));
    // No WeakMap, which is slower: plans beyond are not kept by their book either.
    if (this.tablesOf.size < MOST_PLANS) this.tablesOf.set(plan, tables);
    return tables;
  }
}

const NONE: readonly Meter[] = [];
