import type { Address } from './dialer.js';
import type { GuardedClient } from './guarded-client.js';
import type { Lane } from './purposes.js';
import type { UnavailableReason } from './redis.errors.js';
import type { Relogin } from './rotation/lane-login.js';

/** A lane as its compartment has it: one connection, or one to each primary of a cluster. */
export interface CompartmentLane {
  readonly lane: Lane;
  readonly client: GuardedClient;
  /** The servers that it talks to now; empty before the first attempt. */
  readonly addresses: readonly Address[];
  /** Keys that together lie on every server of the lane. */
  probeKeys(base: string): readonly string[];
  /** Starts connecting and goes on until close(). */
  open(): void;
  /**
   * Ends the connections; the next attempts follow.
   * @param key in a cluster, ends only the one to the primary that has this key
   */
  drop(reason: UnavailableReason, key?: string): void;
  /** Looks whether connections that nobody uses still lead somewhere. */
  beat(): void;
  /** Tries at once where it would wait: there is news of the servers. */
  hurry(): void;
  /** Logs every open connection in with what is in use now, between the commands of callers. Never rejects. */
  reauthenticate(): Promise<Relogin>;
  /** Says goodbye within `deadlineMs`. Never rejects. */
  close(deadlineMs: number): Promise<void>;
}
