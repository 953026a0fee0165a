import type { Clock } from '../kernel/time.js';
import { type KeyedLimit, capacityUs, spend } from './gcra.js';
import type { BackendDecision, RateLimitBackend } from './rate-limit.backend.js';

interface Entry {
  readonly tatUs: number;
  readonly intervalUs: number;
  readonly burst: number;
}

export interface MemoryBackendOptions {
  readonly clock: Clock;
  /** Keys held at most; about 160 bytes each. */
  readonly maxKeys: number;
  /** What its decisions say; false where memory was chosen and promised nothing more. */
  readonly degraded: boolean;
  /** Told how many keys were forgotten before their time, because the table was full. */
  readonly onEvicted?: (keys: number) => void;
}

/** Classes of use: 0 says nothing any more, 1 to 8 by the share that is spent, the last is denied at present. */
const DENIED = 9;

/**
 * Counts in this process, with the same algorithm as the script and the clock that it is given.
 *
 * The table is bounded. When it is full, keys that say nothing any more are dropped first, then those least
 * spent, and those denied at present only when nothing else is left. An unknown key is always admitted to the
 * table: this purpose degrades, and to refuse newcomers would hand whoever fills the table a switch that turns
 * the service off for everybody else. What he gains by forgotten keys is less than what a limit per address
 * grants to the owner of so many addresses anyway.
 */
export class MemoryBackend implements RateLimitBackend {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly options: MemoryBackendOptions) {}

  get size(): number {
    return this.entries.size;
  }

  spend(limits: readonly KeyedLimit[]): Promise<BackendDecision> {
    const nowUs = Math.floor(this.options.clock.monotonicMs() * 1000);
    const { allowed, outcomes, tatsUs } = spend(nowUs, limits, (key) => this.entries.get(key)?.tatUs);
    if (allowed) {
      limits.forEach(({ key, intervalUs, burst }, at) => {
        if (!this.entries.has(key) && this.entries.size >= this.options.maxKeys) this.makeRoom(nowUs);
        this.entries.set(key, { tatUs: tatsUs[at] ?? nowUs, intervalUs, burst });
      });
    }
    return Promise.resolve({ allowed, outcomes, backend: 'memory', degraded: this.options.degraded });
  }

  /**
   * Frees a sixteenth of the table at once, so that its two passes (about 10 ms for 100,000 keys) are
   * paid once per thousands of new keys. Sorting would find a slightly better victim at ten times the price.
   */
  private makeRoom(nowUs: number): void {
    const wanted = Math.ceil(this.options.maxKeys / 16);
    const counts = Array.from({ length: DENIED + 1 }, () => 0);
    for (const entry of this.entries.values()) counts[classOf(entry, nowUs)]! += 1;

    let left = wanted;
    const quota = counts.map((count, use) => {
      // Everything of class 0 goes: it is a full limit, exactly like an unknown key.
      const taken = use === 0 ? count : Math.min(count, Math.max(left, 0));
      left -= taken;
      return taken;
    });
    this.remove(quota, nowUs);
  }

  private remove(quota: number[], nowUs: number): void {
    const early = quota.slice(1).reduce((sum, count) => sum + count, 0);
    for (const [key, entry] of this.entries) {
      const use = classOf(entry, nowUs);
      if (quota[use] === 0) continue;
      quota[use]! -= 1;
      this.entries.delete(key);
    }
    if (early > 0) this.options.onEvicted?.(early);
  }
}

function classOf(entry: Entry, nowUs: number): number {
  const aheadUs = entry.tatUs - nowUs;
  if (aheadUs <= 0) return 0;
  const capacity = capacityUs(entry);
  if (aheadUs + entry.intervalUs > capacity) return DENIED;
  return 1 + Math.min(Math.floor((aheadUs / capacity) * 8), 7);
}
