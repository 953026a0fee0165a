import { RedisUnavailableError, type UnavailableReason } from './redis.errors.js';

/** How long a caller should wait before it asks again: the reconnect pace rarely needs longer. */
/** What a caller is told to wait where nobody knows better. */
export const RETRY_AFTER_MS = 1000;

/**
 * Whether callers may use the connection of a lane, and if not, why. Shut from the loss of a connection until
 * the next one has been proven.
 */
export class LaneGate {
  private shutFor: UnavailableReason | undefined = 'other';
  private loss: UnavailableReason | undefined;
  private replacing = false;
  /** The lane ends for good; nothing is reported and nothing reconnects any more. */
  closing = false;

  constructor(private readonly purpose: string) {}

  get isOpen(): boolean {
    return this.shutFor === undefined;
  }

  open(): void {
    this.shutFor = undefined;
    this.loss = undefined;
    this.replacing = false;
  }

  shut(reason: UnavailableReason): void {
    this.shutFor = reason;
  }

  /** The connection is about to end. The first word on why stands; callers are kept off at once. */
  losing(reason: UnavailableReason): void {
    this.loss ??= reason;
    if (this.isOpen) this.shutFor = reason;
  }

  /** The connection is about to be ended on purpose, which says nothing about the server. */
  replace(): void {
    this.replacing = this.isOpen;
    this.losing('reset');
  }

  get isReplacing(): boolean {
    return this.replacing;
  }

  /** Why the connection that just ended was lost, and whether that was on purpose. Asked once. */
  takeLoss(): { reason: UnavailableReason; replaced: boolean } {
    const taken = { reason: this.loss ?? 'reset', replaced: this.replacing };
    this.loss = undefined;
    this.replacing = false;
    return taken;
  }

  /** For a call that was under way when the connection was lost: it may have run. */
  lost(): RedisUnavailableError {
    return this.error(this.loss ?? 'reset', true);
  }

  /** For a call that is not sent: the gate is shut, or nobody answers behind it. */
  refusal(behind: UnavailableReason = 'timeout'): RedisUnavailableError {
    return this.error(this.shutFor ?? behind, false);
  }

  error(reason: UnavailableReason, maybeExecuted: boolean): RedisUnavailableError {
    return new RedisUnavailableError({
      purpose: this.purpose,
      reason,
      retryAfterMs: RETRY_AFTER_MS,
      maybeExecuted,
    });
  }
}
