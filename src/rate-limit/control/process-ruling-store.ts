import type { Clock } from '../../kernel/time.js';
import {
  type ChangeResult,
  MOST_BLOCKS,
  MOST_OVERRIDES,
  type RulingChange,
  type RulingStore,
  type StoredRulings,
} from './ruling-store.js';

/** Rulings of this process alone, with RATE_LIMIT_BACKEND=memory: no other instance knows of them, and none survives it. */
export class ProcessRulingStore implements RulingStore {
  /** By member: when the block ends, monotonic milliseconds. */
  private readonly blocks = new Map<string, number>();
  private readonly overrides = new Map<string, string>();
  private current = 0;

  constructor(private readonly clock: Clock) {}

  load(): Promise<StoredRulings> {
    const nowMs = this.clock.monotonicMs();
    this.forgetExpired(nowMs);
    const blocks = new Map([...this.blocks].map(([member, endMs]) => [member, endMs - nowMs]));
    return Promise.resolve({ version: this.current, blocks, overrides: new Map(this.overrides) });
  }

  change(change: RulingChange): Promise<ChangeResult> {
    const before = this.current;
    const outcome = this.apply(change);
    if (outcome === 'changed') this.current += 1;
    return Promise.resolve({ outcome, before, after: this.current });
  }

  version(): Promise<number> {
    return Promise.resolve(this.current);
  }

  private apply(change: RulingChange): ChangeResult['outcome'] {
    switch (change.kind) {
      case 'block':
        return this.block(change.member, change.forMs);
      case 'unblock':
        return change.members.filter((member) => this.blocks.delete(member)).length > 0
          ? 'changed'
          : 'nothing';
      case 'override':
        if (this.overrides.size >= MOST_OVERRIDES && !this.overrides.has(change.field)) return 'full';
        this.overrides.set(change.field, change.value);
        return 'changed';
      case 'lift':
        return this.overrides.delete(change.field) ? 'changed' : 'nothing';
    }
  }

  private block(member: string, forMs: number): ChangeResult['outcome'] {
    const nowMs = this.clock.monotonicMs();
    this.forgetExpired(nowMs);
    if (this.blocks.size >= MOST_BLOCKS && !this.blocks.has(member)) return 'full';
    this.blocks.set(member, nowMs + forMs);
    return 'changed';
  }

  private forgetExpired(nowMs: number): void {
    for (const [member, endMs] of this.blocks) if (endMs <= nowMs) this.blocks.delete(member);
  }
}
