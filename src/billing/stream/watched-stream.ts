import type { EndReason } from './close-reason.js';
import type { OpenStream } from './open-stream.js';
import type { StreamIdentity } from './stream-identity.js';
import type { StreamTiming } from './stream-timing.js';
import type { StartAt, Subscription } from './subscription.js';

/** What the heartbeat is for a stream; one object for all that have the same. */
export interface Pulse {
  /** What is written. */
  readonly frame: Buffer;
  /** Between two of them, milliseconds. */
  readonly everyMs: number;
  /** A client that takes nothing for so long is cut off, milliseconds. */
  readonly stallMs: number;
}

/** A stream in the hands of those who look after all of them. It knows nothing of the request that opened it. */
export class WatchedStream implements OpenStream {
  constructor(
    readonly identity: StreamIdentity,
    private readonly subscription: Subscription,
    private readonly timing: StreamTiming,
    private readonly pulse: Pulse,
  ) {}

  get pendingBytes(): number {
    return this.subscription.pendingBytes;
  }

  start(startAt: StartAt): void {
    this.subscription.start(startAt);
    this.watch();
  }

  beat(): void {
    this.subscription.beat(this.pulse.frame, this.pulse.stallMs);
    this.watch();
  }

  end(reason: EndReason): void {
    this.subscription.end(reason);
  }

  /** The connection has ended. */
  closed(): void {
    this.timing.cancel();
    this.subscription.closed();
  }

  /** Has it end when its time comes, should that be before the next beat. */
  private watch(): void {
    this.timing.watch(this.pulse.everyMs, (reason) => this.end(reason));
  }
}
