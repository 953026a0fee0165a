import type { StreamIdentity } from './stream-identity.js';
import type { EndReason } from './close-reason.js';

/** A stream that is open, as whoever looks after all of them sees it. */
export interface OpenStream {
  readonly identity: StreamIdentity;
  readonly pendingBytes: number;
  /** Writes a heartbeat; ends the stream where its time has come, or where its client takes nothing. */
  beat(): void;
  end(reason: EndReason): void;
}
