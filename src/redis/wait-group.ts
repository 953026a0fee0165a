import type { UnavailableReason } from './redis.errors.js';

/** A call that the primary has answered and that counts only when replicas have it. */
export interface HeldCall {
  release(): void;
  /** It may have been executed all the same. */
  refuse(reason: UnavailableReason): void;
}

/**
 * Writes that are acknowledged together: one WAIT behind all of them, as a data base commits a group of
 * transactions with one flush. https://redis.io/docs/latest/commands/wait/
 */
export class WaitGroup {
  private readonly held: HeldCall[] = [];

  constructor(private readonly replicas: number) {}

  hold(call: HeldCall): void {
    this.held.push(call);
  }

  /** @param count replicas that had everything before the WAIT */
  answered(count: unknown): void {
    const enough = typeof count === 'number' && count >= this.replicas;
    for (const call of this.held.splice(0)) {
      if (enough) call.release();
      else call.refuse('noreplicas');
    }
  }

  /** The WAIT was refused, or the connection ended before it was answered. */
  lost(reason: UnavailableReason): void {
    for (const call of this.held.splice(0)) call.refuse(reason);
  }
}
