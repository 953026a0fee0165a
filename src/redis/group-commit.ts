import type { UnavailableReason } from './redis.errors.js';
import { reasonOfReply } from './unavailable-reason.js';
import { WaitGroup } from './wait-group.js';

/**
 * Decides when the writes of a lane are waited for. One WAIT is under way at a time, since the server reads
 * nothing more of a connection that waits: what is written meanwhile shares the next one, so that replicas which
 * hang cost each call two WAITs at most and never the lane.
 */
export class GroupCommit {
  private open: WaitGroup | undefined;
  private waiting: WaitGroup | undefined;

  constructor(
    private readonly replicas: number,
    /** Sends WAIT behind everything that was sent before. */
    private readonly sendWait: () => Promise<unknown>,
  ) {}

  /** The group that a write of this turn belongs to. */
  join(): WaitGroup {
    this.open ??= new WaitGroup(this.replicas);
    return this.open;
  }

  /** To be called at the end of a turn, and not before: a transaction may have been cut in two. */
  commit(): void {
    const group = this.open;
    if (!group || this.waiting) return;
    this.open = undefined;
    this.waiting = group;
    this.sendWait().then(
      (count) => this.answered(group, () => group.answered(count)),
      (error: Error) => this.answered(group, () => group.lost(reasonOfReply(error.message) ?? 'reset')),
    );
  }

  /** The connection is gone. What it had not answered yet is told by the library, call by call. */
  lost(reason: UnavailableReason): void {
    const { waiting } = this;
    this.open = undefined;
    this.waiting = undefined;
    waiting?.lost(reason);
  }

  private answered(group: WaitGroup, tell: () => void): void {
    tell();
    if (this.waiting !== group) return;
    this.waiting = undefined;
    this.commit();
  }
}
