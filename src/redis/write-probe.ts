import type { Clock, Timer } from '../kernel/time.js';
import { RedisUnavailableError, type UnavailableReason } from './redis.errors.js';

/** A write was answered, but not as Redis answers one. */
export class WrongAnswerError extends Error {}

export interface WriteProbeOptions {
  /** Writes the probe key; resolves when the server took it. */
  readonly write: () => Promise<unknown>;
  readonly succeeded: (latencyMs: number) => void;
  readonly failed: (reason: UnavailableReason) => void;
  readonly intervalMs: number;
  readonly clock: Clock;
}

/** While the purpose is down its recovery is looked for this often, and never more often. */
const RETRY_MS = 250;

/**
 * Asks a purpose again and again whether it takes a write. PING would not do: a replica, a full server and
 * one that lost its disk all answer PONG. It only looks; nothing is repaired here.
 */
export class WriteProbe {
  private timer: Timer | undefined;
  private running = false;
  private startedMs = Number.NEGATIVE_INFINITY;
  private active = false;

  constructor(private readonly options: WriteProbeOptions) {}

  start(): void {
    this.active = true;
    this.startedMs = Number.NEGATIVE_INFINITY;
    this.soon();
  }

  stop(): void {
    this.active = false;
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** Probes soon: something suggests that the last answer no longer holds. Never more often than every 250 ms. */
  soon(): void {
    if (!this.active || this.running) return;
    const { clock } = this.options;
    const waitMs = this.startedMs + RETRY_MS - clock.monotonicMs();
    this.timer?.cancel();
    if (waitMs <= 0) void this.run();
    else this.timer = clock.after(waitMs, () => void this.run());
  }

  private async run(): Promise<void> {
    const { write, clock, succeeded, failed, intervalMs } = this.options;
    this.running = true;
    this.timer = undefined;
    const startedMs = clock.monotonicMs();
    this.startedMs = startedMs;
    let nextMs = intervalMs;
    try {
      await write();
      if (this.active) succeeded(clock.monotonicMs() - startedMs);
    } catch (error) {
      nextMs = Math.min(RETRY_MS, intervalMs);
      if (this.active) failed(reasonOf(error));
    }
    this.running = false;
    if (this.active) this.timer = clock.after(nextMs, () => void this.run());
  }
}

function reasonOf(error: unknown): UnavailableReason {
  if (error instanceof WrongAnswerError) return 'protocol';
  return error instanceof RedisUnavailableError ? error.reason : 'other';
}
