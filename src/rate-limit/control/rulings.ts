import type { Ruling, Subject } from '../counting/subject.js';
import type { Clock } from '../../kernel/time.js';
import type { ConcurrentLimit, Quotas } from '../leases/compiled-quota.js';
import type { StreamRuling } from '../leases/stream-ruling.js';
import type { CompiledLimit } from '../policies/compiled-limit.js';
import type { PolicyBook } from '../policies/plan.js';
import { type BlockedSubject, readMember } from './blocked-subject.js';
import { OverrideIndex } from './override-index.js';
import { type Override, type PolicyMode, readOverride } from './override.js';
import type { RulingChange, StoredRulings } from './ruling-store.js';

/** A block as this process holds it. */
export interface Block extends BlockedSubject {
  /** Monotonic milliseconds, so that a clock that is set changes nothing. */
  readonly untilMs: number;
}

interface HeldOverride {
  readonly value: string;
  readonly override: Override;
}

/** What became of rulings that were read. */
export interface Installed {
  /** Entries that hold something foreign. */
  readonly broken: number;
  /** Overrides that can be read, and that nothing of this process has a place for, or that it would be refused with. */
  readonly unfit: number;
  /** Blocks and overrides that are gone although nobody has lifted them. */
  readonly lost: number;
}

/**
 * What operators have set, in memory, where a decision looks it up. The last known state goes on holding while nothing
 * newer can be read. All changes of it become visible at once, by a new edition.
 */
export class Rulings implements Ruling, StreamRuling {
  edition = 0;
  /** Of the state that is held; -1: none was ever read. */
  version = -1;
  private blocks = new Map<string, Block>();
  private overrides = new Map<string, HeldOverride>();
  private index: OverrideIndex;
  /** Policies in shadow mode by code or setting. */
  private readonly shadowedAtStart: ReadonlySet<string>;

  /** @param quotas of streams; unset: none, so that overrides of them are not in force */
  constructor(
    private readonly book: PolicyBook,
    private readonly clock: Clock,
    readonly quotas: Quotas = new Map(),
  ) {
    this.shadowedAtStart = new Set(book.shadowed());
    this.index = new OverrideIndex({ book, quotas }, []);
  }

  get anyBlocked(): boolean {
    return this.blocks.size > 0;
  }

  blockedUntilMs(dimension: string, digest: string): number {
    const block = this.blocks.get(digest);
    return block?.dimension === dimension ? block.untilMs : 0;
  }

  limitFor(limit: CompiledLimit, subject: Subject): CompiledLimit {
    return this.index.limitFor(limit, subject);
  }

  streamLimitFor(limit: ConcurrentLimit, subject: Subject): ConcurrentLimit {
    return this.index.streamLimitFor(limit, subject);
  }

  /** Blocks that hold now, those that end first in front. */
  blocked(): readonly Block[] {
    return this.live().sort((one, other) => one.untilMs - other.untilMs);
  }

  /** How many blocks hold now. */
  get blockCount(): number {
    return this.live().length;
  }

  /** By its digest; undefined where it is not blocked. */
  blockOf(id: string): Block | undefined {
    return this.blocks.get(id);
  }

  all(): readonly Override[] {
    return [...this.overrides.values()].map(({ override }) => override);
  }

  /** False for an override that no policy or stream quota of this process has a place for. */
  isInForce(override: Override): boolean {
    return !this.index.unfit.includes(override);
  }

  /** Takes the place of everything that was held. */
  install({ version, blocks, overrides }: StoredRulings): Installed {
    const before = { version: this.version, blocks: this.live(), overrides: this.overrides };
    const nowMs = this.clock.monotonicMs();
    let broken = 0;
    this.blocks = new Map();
    for (const [member, leftMs] of blocks) {
      const subject = readMember(member);
      if (subject) this.blocks.set(subject.id, { ...subject, untilMs: nowMs + leftMs });
      else broken += 1;
    }
    this.overrides = new Map();
    for (const [field, value] of overrides) if (!this.hold(field, value, before.overrides)) broken += 1;
    this.version = version;
    this.publish();
    return { broken, unfit: this.index.unfit.length, lost: this.lostSince(before) };
  }

  /** A change of this process, which Redis has taken. @returns false where others have changed something as well */
  apply(
    change: RulingChange,
    { before, after }: { readonly before: number; readonly after: number },
  ): boolean {
    switch (change.kind) {
      case 'block': {
        const subject = readMember(change.member);
        if (subject)
          this.blocks.set(subject.id, { ...subject, untilMs: this.clock.monotonicMs() + change.forMs });
        break;
      }
      case 'unblock':
        for (const member of change.members) this.blocks.delete(readMember(member)?.id ?? '');
        break;
      case 'override':
        this.hold(change.field, change.value, this.overrides);
        break;
      case 'lift':
        this.overrides.delete(change.field);
    }
    const upToDate = before === this.version;
    if (upToDate) this.version = after;
    this.publish();
    return upToDate;
  }

  private live(): Block[] {
    const nowMs = this.clock.monotonicMs();
    return [...this.blocks.values()].filter(({ untilMs }) => untilMs > nowMs);
  }

  /** An entry that says what it said before stays the same object, which spares compiling it. */
  private hold(field: string, value: string, known: ReadonlyMap<string, HeldOverride>): boolean {
    const before = known.get(field);
    const override = before?.value === value ? before.override : readOverride(field, value);
    if (override) this.overrides.set(field, { value, override });
    return override !== undefined;
  }

  private publish(): void {
    const { book, quotas } = this;
    this.index = new OverrideIndex({ book, quotas }, this.all(), this.index);
    const modes = new Map<string, PolicyMode>();
    for (const override of this.all())
      if ('policyMode' in override) modes.set(override.policy, override.policyMode);
    const shadowed = new Set(this.book.shadowed());
    for (const { name } of this.book.all()) {
      const wanted = modes.has(name) ? modes.get(name) === 'shadow' : this.shadowedAtStart.has(name);
      if (wanted !== shadowed.has(name)) this.book.shadow(name, wanted);
    }
    this.edition += 1;
  }

  /** Whoever lifts something makes a new version. */
  private lostSince(before: {
    readonly version: number;
    readonly blocks: readonly Block[];
    readonly overrides: ReadonlyMap<string, HeldOverride>;
  }): number {
    if (this.version > before.version) return 0;
    const nowMs = this.clock.monotonicMs();
    // A block that is about to end may be over by the server's clock.
    const blocks = before.blocks.filter(
      ({ id, untilMs }) => untilMs > nowMs + SLACK_MS && !this.blocks.has(id),
    );
    const overrides = [...before.overrides.keys()].filter((field) => !this.overrides.has(field));
    return blocks.length + overrides.length;
  }
}

/** Answers come a moment after the server has looked at its clock. */
const SLACK_MS = 1000;
