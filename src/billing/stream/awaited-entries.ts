import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { type EntryId, compareEntryIds } from '../log/entry-id.js';

const LONGEST_MS = 5000;

interface Awaited {
  readonly entryId: EntryId;
  readonly settle: (reached: boolean) => void;
}

/** Whoever has seen more of the log than this process: another process was faster, and this one comes there soon. */
@Injectable()
export class AwaitedEntries {
  private readonly waiting = new Set<Awaited>();

  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  get size(): number {
    return this.waiting.size;
  }

  /** Calls `run` once, with false where the log does not come so far within five seconds. @returns ends it */
  add(entryId: EntryId, run: (reached: boolean) => void): () => void {
    const end = () => {
      timer.cancel();
      return this.waiting.delete(one);
    };
    const settle = (reached: boolean) => {
      if (end()) run(reached);
    };
    const timer = this.clock.after(LONGEST_MS, () => settle(false));
    const one: Awaited = { entryId, settle };
    this.waiting.add(one);
    return end;
  }

  /** The log was read up to this entry, and what was read is in the rings. */
  reached(position: EntryId): void {
    for (const { entryId, settle } of this.waiting) if (compareEntryIds(entryId, position) <= 0) settle(true);
  }
}
