import { graceMsAfter } from '../kernel/deadline.js';
import type { Clock, Timer } from '../kernel/time.js';

/** How a call ended, as a metric label. `rejected`: never sent. */
export type CallOutcome = 'ok' | 'error' | 'timeout' | 'rejected';

/** A call on its way. The caller may have given up on it while the server still owes the answer. */
export interface Flight {
  readonly startedMs: number;
  readonly budgetMs: number;
  /** Unanswered for this long it speaks against the server, and not only against the caller's budget. */
  readonly patienceMs: number;
  /** The server answered, or the connection is gone. */
  answered: boolean;
  /** The caller has its result or its error. */
  settled: boolean;
  graced: boolean;
  /** Gives the caller its time-out. */
  expire(): void;
}

export interface FlightDeckEvents {
  /** The oldest call outlasted its budget: what is sent now would only queue up behind it. */
  stalled(): void;
  /** The connection answers again. */
  flowing(): void;
  /** The oldest call has been silent for too long; the connection should be dropped. */
  silent(): void;
}

/** Answered flights are let go this many at a time: an array that is emptied at each turn is built anew each turn. */
const COMPACT_AT = 512;

/**
 * Bounds every call of one connection with one timer. Answers arrive in the order of the calls, so only the
 * oldest has to be watched; a timer per command, as the client library would set, costs more than the rest
 * of the accounting together. It also knows what a library timer cannot: when the process itself was
 * stopped (garbage collection, throttled CPU, SIGSTOP), a late timer first lets the event loop read what
 * has arrived in the meantime, so that a healthy server loses no connection.
 */
export class FlightDeck {
  private flights: (Flight | undefined)[] = [];
  private head = 0;
  private timer: Timer | undefined;
  private timerDueMs = 0;
  private stalledNow = false;

  /** @param silenceMs age of an unanswered call at which the connection is given up */
  constructor(
    private readonly clock: Clock,
    private readonly silenceMs: number,
    private readonly events: FlightDeckEvents,
  ) {}

  get size(): number {
    return this.flights.length - this.head;
  }

  get stalled(): boolean {
    return this.stalledNow;
  }

  add(flight: Flight): void {
    this.flights.push(flight);
    this.armBy(flight.startedMs + flight.budgetMs);
  }

  /** Call when the server has answered a flight. */
  answered(): void {
    while (this.flights[this.head]?.answered) {
      // Let go at once: what an old array still holds costs every collection of garbage.
      this.flights[this.head] = undefined;
      this.head += 1;
    }
    if (this.head > COMPACT_AT) {
      this.flights = this.flights.slice(this.head);
      this.head = 0;
    }
    if (this.stalledNow && !this.flights[this.head]?.settled) {
      this.stalledNow = false;
      this.events.flowing();
    }
  }

  /** Forgets everything; the connection is gone and its calls have been failed. */
  clear(): void {
    this.flights.length = 0;
    this.head = 0;
    this.stalledNow = false;
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** One timer, at the earliest moment that anybody needs: it may be set for the silence of an older call. */
  private armBy(dueMs: number): void {
    if (this.timer && this.timerDueMs <= dueMs) return;
    this.timer?.cancel();
    this.arm(dueMs);
  }

  private arm(dueMs: number): void {
    this.timerDueMs = dueMs;
    const delayMs = Math.max(1, dueMs - this.clock.monotonicMs());
    this.timer = this.clock.after(delayMs, () => this.due());
  }

  private due(): void {
    this.timer = undefined;
    const oldest = this.flights[this.head];
    if (!oldest) return;
    const graceMs = graceMsAfter(this.clock.monotonicMs() - this.timerDueMs);
    if (graceMs > 0 && !oldest.graced) {
      for (let index = this.head; index < this.flights.length; index += 1)
        (this.flights[index] as Flight).graced = true;
      this.arm(this.clock.monotonicMs() + graceMs);
      return;
    }
    // One turn of the event loop: an answer that has arrived is read before it counts as missing.
    setImmediate(() => this.expireOverdue());
  }

  private expireOverdue(): void {
    const oldest = this.flights[this.head];
    if (!oldest) return;
    const nowMs = this.clock.monotonicMs();
    let nextMs = this.expireUntil(nowMs);
    const stallsAtMs = oldest.startedMs + oldest.patienceMs;
    if (oldest.settled && !this.stalledNow) {
      if (nowMs >= stallsAtMs) {
        this.stalledNow = true;
        this.events.stalled();
      } else nextMs = Math.min(nextMs, stallsAtMs);
    }
    const silentAtMs = oldest.startedMs + Math.max(this.silenceMs, oldest.patienceMs);
    if (nowMs >= silentAtMs) this.events.silent();
    else this.armBy(Math.min(nextMs, silentAtMs));
  }

  /** @returns when the next call is due, if any has not got its time-out yet */
  private expireUntil(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (let index = this.head; index < this.flights.length; index += 1) {
      const flight = this.flights[index] as Flight;
      if (flight.settled) continue;
      const dueMs = flight.startedMs + flight.budgetMs;
      if (dueMs <= nowMs) flight.expire();
      else nextMs = Math.min(nextMs, dueMs);
    }
    return nextMs;
  }
}
