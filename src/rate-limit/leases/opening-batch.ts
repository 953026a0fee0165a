import type { Batch, ScriptArgument } from '../../redis/index.js';
import type { ConcurrentLimit } from './compiled-quota.js';
import type { Lease } from './lease.js';

/** Streams in one call: enough that the call's own price is little, few enough that Redis is never held up for long. */
const MOST_STREAMS = 32;

/** How one limit stood when a stream was to be opened. */
export interface SeatCount {
  /** Streams that were open, this one not counted. */
  readonly open: number;
  /** Until one of them runs out if nobody renews it, milliseconds; 0: there is room. */
  readonly waitMs: number;
}

export interface Acquired {
  readonly admitted: boolean;
  /** In the order of the seats. */
  readonly counts: readonly SeatCount[];
}

/** A stream that is to be opened, and who waits to hear of it. */
export interface Opening {
  readonly lease: Lease;
  readonly resolve: (acquired: Acquired) => void;
  readonly reject: (error: unknown) => void;
}

/** Streams that are opened in one call of acquire-leases.lua, and how its answer is read. */
export class OpeningBatch implements Batch<Opening> {
  readonly keys: string[] = [];
  readonly args: ScriptArgument[] = [];
  private readonly openings: Opening[] = [];
  /** Of each key. */
  private readonly limits: ConcurrentLimit[] = [];
  /** By key, from 1. */
  private readonly numbers = new Map<string, number>();
  private answers = 0;

  get isFull(): boolean {
    return this.openings.length >= MOST_STREAMS;
  }

  /** Integers that the script answers with. */
  get replySize(): number {
    return 1 + this.keys.length + this.answers;
  }

  hasRoomFor(): boolean {
    return true;
  }

  add(opening: Opening): void {
    const { id, quota, seats } = opening.lease;
    this.openings.push(opening);
    this.args.push(id, quota.leaseMs, seats.length);
    for (const { key, limit } of seats) this.args.push(this.numberOf(key, limit), limit.streams);
    this.answers += 1 + 2 * seats.length;
  }

  /**
   * @param reply of the size that it has to have
   * @param onExpired told of which limit how many leases had run out
   */
  answer(reply: readonly number[], onExpired: (limit: ConcurrentLimit, count: number) => void): void {
    for (const [at, limit] of this.limits.entries()) {
      const expired = reply[1 + at] as number;
      if (expired > 0) onExpired(limit, expired);
    }
    let at = 1 + this.keys.length;
    for (const { lease, resolve } of this.openings) {
      const admitted = reply[at] === 1;
      at += 1;
      const counts: SeatCount[] = [];
      for (let seat = 0; seat < lease.seats.length; seat += 1, at += 2)
        counts.push({ open: reply[at] as number, waitMs: reply[at + 1] as number });
      resolve({ admitted, counts });
    }
  }

  fail(error: unknown): void {
    for (const { reject } of this.openings) reject(error);
  }

  private numberOf(key: string, limit: ConcurrentLimit): number {
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.limits.push(limit);
    const number = this.keys.push(key);
    this.numbers.set(key, number);
    return number;
  }
}
