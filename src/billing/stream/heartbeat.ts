import { Inject, Injectable } from '@nestjs/common';
import { Sessions } from '../../access/index.js';
import type { Clock, Timer } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import type { OpenStream } from './open-stream.js';
import { BillingStreamSettings } from './stream.config.js';
import type { StreamIdentity } from './stream-identity.js';
import { StreamMetrics } from './stream-metrics.js';

/** Parts of a heartbeat's time. Each has its share of the streams, so that not all are written to at once. */
const SLOTS = 16;

/** One look at the streams of a slot. */
interface Round {
  readonly slot: number;
  readonly streams: readonly OpenStream[];
  /** Sessions that were asked about. */
  readonly asked: Set<string>;
  done: number;
  pendingBytes: number;
}

/**
 * One timer for all streams of the process. In a heartbeat's time every stream is written to once, and every session that
 * holds streams is looked at once, however many they are: where it has ended, they end. While nobody can say whether a
 * session lives, they go on, until their token expires.
 */
@Injectable()
export class Heartbeat {
  private readonly slots = Array.from({ length: SLOTS }, () => new Set<OpenStream>());
  private readonly pendingBytes: number[] = Array.from({ length: SLOTS }, () => 0);
  private readonly checking = new Set<string>();
  private size = 0;
  private turn = 0;
  private timer: Timer | undefined;

  constructor(
    private readonly sessions: Sessions,
    private readonly settings: BillingStreamSettings,
    private readonly metrics: StreamMetrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  add(stream: OpenStream): void {
    this.slotOf(stream).add(stream);
    this.size += 1;
    if (!this.timer) this.arm();
  }

  remove(stream: OpenStream): void {
    if (!this.slotOf(stream).delete(stream)) return;
    this.size -= 1;
    if (this.size > 0) return;
    this.timer?.cancel();
    this.timer = undefined;
    this.pendingBytes.fill(0);
    this.metrics.pending(0);
  }

  /** All streams of a session are in one slot, so that it is looked at once. */
  private slotOf({ identity }: OpenStream): Set<OpenStream> {
    // Of a UUID, each digit is as random as a digest of it would be.
    const digit = Number.parseInt(identity.sessionId.slice(-1), 16) || 0;
    return this.slots[digit % SLOTS] as Set<OpenStream>;
  }

  private arm(): void {
    this.timer = this.clock.after(this.settings.heartbeatMs / SLOTS, () => {
      this.arm();
      const slot = this.turn % SLOTS;
      this.turn += 1;
      const streams = [...(this.slots[slot] as Set<OpenStream>)];
      this.beat({ slot, streams, done: 0, pendingBytes: 0, asked: new Set() });
    });
  }

  /** As many as other work may wait for, then the next ones. */
  private beat(round: Round): void {
    const { slot, streams, asked } = round;
    for (const stream of streams.slice(round.done, round.done + this.settings.slice)) {
      this.check(stream.identity, asked);
      stream.beat();
      round.pendingBytes += stream.pendingBytes;
      round.done += 1;
    }
    if (round.done < streams.length) return void setImmediate(() => this.beat(round));
    this.pendingBytes[slot] = round.pendingBytes;
    this.metrics.pending(this.pendingBytes.reduce((sum, bytes) => sum + bytes, 0));
  }

  /** Once in a round for all streams of the session, and never while the last question is still open. */
  private check({ userId, sessionId, epoch }: StreamIdentity, asked: Set<string>): void {
    const key = `${userId} ${sessionId} ${epoch}`;
    if (asked.has(key) || this.checking.has(key)) return;
    asked.add(key);
    this.checking.add(key);
    this.sessions
      .check(userId, sessionId, epoch)
      .then(
        ({ live }) => {
          if (!live) this.endAll(key);
        },
        // Unknown is not revoked.
        () => undefined,
      )
      .finally(() => this.checking.delete(key));
  }

  private endAll(key: string): void {
    for (const slot of this.slots) {
      for (const stream of slot) {
        const { userId, sessionId, epoch } = stream.identity;
        if (`${userId} ${sessionId} ${epoch}` === key) stream.end('revoked');
      }
    }
  }
}
