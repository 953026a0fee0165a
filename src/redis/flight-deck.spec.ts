import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import type { Clock, Timer } from '../kernel/time.js';
import { type Flight, FlightDeck } from './flight-deck.js';

const BUDGET_MS = 100;
const SILENCE_MS = 300;

/** A clock under which the process can stand still: time goes on, and timers fire late. */
class StallingClock implements Clock {
  timers = 0;
  mostTimers = 0;
  private readonly inner = new ManualClock(0);
  private stoodStillMs = 0;

  nowMs(): number {
    return Math.floor(this.monotonicMs());
  }

  monotonicMs(): number {
    return this.inner.monotonicMs() + this.stoodStillMs;
  }

  after(delayMs: number, run: () => void): Timer {
    let pending = true;
    const end = (): void => {
      if (pending) this.timers -= 1;
      pending = false;
    };
    this.timers += 1;
    this.mostTimers = Math.max(this.mostTimers, this.timers);
    const timer = this.inner.after(delayMs, () => {
      end();
      run();
    });
    return {
      cancel: () => {
        end();
        timer.cancel();
      },
    };
  }

  stall(ms: number): void {
    this.stoodStillMs += ms;
  }

  /** Moves on in small steps, with a turn of the event loop after each. */
  async pass(ms: number, stepMs = 5): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      this.inner.advance(Math.min(stepMs, ms - passedMs));
      await turn();
    }
  }

  /** Moves on without giving the event loop a turn. */
  jump(ms: number): void {
    this.inner.advance(ms);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('FlightDeck', () => {
  let clock: StallingClock;
  let deck: FlightDeck;
  let events: string[];

  beforeEach(() => {
    clock = new StallingClock();
    events = [];
    const note = (event: string) => () => void events.push(`${event} at ${clock.monotonicMs()}`);
    deck = new FlightDeck(clock, SILENCE_MS, {
      stalled: note('stalled'),
      flowing: note('flowing'),
      silent: note('silent'),
    });
  });

  function send(name: string, budgetMs = BUDGET_MS, patienceMs = budgetMs): Flight {
    const flight: Flight = {
      startedMs: clock.monotonicMs(),
      budgetMs,
      patienceMs,
      answered: false,
      settled: false,
      graced: false,
      expire() {
        flight.settled = true;
        events.push(`${name} expired at ${clock.monotonicMs()}`);
      },
    };
    deck.add(flight);
    return flight;
  }

  function answer(flight: Flight): void {
    flight.answered = true;
    deck.answered();
    flight.settled = true;
  }

  it('says nothing of calls that are answered in time', async () => {
    for (let round = 0; round < 10; round += 1) {
      const flight = send('a');
      await clock.pass(50);
      answer(flight);
    }
    await clock.pass(1000);
    expect(events).toEqual([]);
    expect(deck.size).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it('expires each call at its own budget, in the order in which they were made', async () => {
    send('a');
    await clock.pass(30);
    send('b');
    await clock.pass(30);
    send('c');
    await clock.pass(130);
    expect(events.filter((event) => event.includes('expired'))).toEqual([
      'a expired at 100',
      'b expired at 130',
      'c expired at 160',
    ]);
  });

  it('watches any number of calls with one timer', async () => {
    const flights = Array.from({ length: 50 }, (_, index) => send(String(index)));
    await clock.pass(50);
    flights.forEach(answer);
    send('late');
    await clock.pass(200);
    expect(clock.mostTimers).toBe(1);
  });

  it('expires a call on time that was made while the expiry of an older one was pending', async () => {
    send('a');
    clock.jump(50);
    send('b');
    // The timer of "a" fires, and before its turn of the event loop is over somebody makes a call.
    clock.jump(50);
    send('c');
    await turn();
    await clock.pass(150);
    expect(events.filter((event) => event.includes('expired'))).toEqual([
      'a expired at 100',
      'b expired at 150',
      'c expired at 200',
    ]);
  });

  it('expires a call on time that was made after the connection had recovered', async () => {
    const late = send('late');
    await clock.pass(110);
    answer(late);
    send('next');
    await clock.pass(150);
    expect(events).toContain('next expired at 210');
  });

  it('gives the event loop one turn to read an answer that has arrived', async () => {
    const flight = send('a');
    clock.jump(BUDGET_MS);
    answer(flight);
    await turn();
    expect(events).toEqual([]);
  });

  it('is stalled from the first expiry on and flows with the late answer, which nobody gets', async () => {
    const flight = send('a');
    await clock.pass(100);
    expect(deck.stalled).toBe(true);
    expect(deck.size).toBe(1);
    await clock.pass(20);
    answer(flight);
    expect(deck.stalled).toBe(false);
    expect(deck.size).toBe(0);
    expect(events).toEqual(['a expired at 100', 'stalled at 100', 'flowing at 120']);
  });

  it('stays stalled until every call that was given up is answered', async () => {
    const [a, b, c] = [send('a'), send('b'), send('c')];
    await clock.pass(110);
    answer(a);
    expect(deck.stalled).toBe(true);
    answer(b);
    expect(deck.stalled).toBe(true);
    answer(c);
    expect(deck.stalled).toBe(false);
    expect(events.filter((event) => !event.includes('expired'))).toEqual([
      'stalled at 100',
      'flowing at 110',
    ]);
  });

  it('calls the connection silent once, when the oldest call has gone unanswered for too long', async () => {
    send('a');
    await clock.pass(295);
    expect(events).toEqual(['a expired at 100', 'stalled at 100']);
    await clock.pass(1000);
    expect(events).toEqual(['a expired at 100', 'stalled at 100', 'silent at 300']);
  });

  it('gives up a connection with a blocking read that is silent beyond its wait, which its budget holds', async () => {
    const waitMs = 1000 + SILENCE_MS;
    send('read', waitMs);
    await clock.pass(waitMs - 5);
    expect(events).toEqual([]);
    await clock.pass(10);
    expect(events).toEqual([`read expired at ${waitMs}`, `stalled at ${waitMs}`, `silent at ${waitMs}`]);
  });

  it('lets answers that came while the process stood still be read before anything expires', async () => {
    const flights = [send('a'), send('b')];
    clock.stall(5000);
    await clock.pass(BUDGET_MS);
    expect(events).toEqual([]);
    await clock.pass(240);
    flights.forEach(answer);
    await clock.pass(1000);
    expect(events).toEqual([]);
  });

  it('grants that grace once, so that a silent server is still found after a standstill', async () => {
    send('a');
    clock.stall(5000);
    await clock.pass(BUDGET_MS + 250);
    expect(events).toEqual(['a expired at 5350', 'stalled at 5350', 'silent at 5350']);
  });

  it('treats a timer that is a little late as on time', async () => {
    send('a');
    clock.stall(15);
    await clock.pass(BUDGET_MS);
    expect(events[0]).toBe('a expired at 115');
  });

  it('forgets everything with the connection, also an expiry that is pending', async () => {
    send('a');
    clock.jump(BUDGET_MS);
    deck.clear();
    await turn();
    await clock.pass(1000);
    expect(events).toEqual([]);
    expect([deck.size, deck.stalled, clock.timers]).toEqual([0, false, 0]);
    send('next');
    await clock.pass(BUDGET_MS);
    expect(events[0]).toBe('next expired at 1200');
  });

  it('is not stalled on the next connection', async () => {
    send('a');
    await clock.pass(150);
    deck.clear();
    expect(deck.stalled).toBe(false);
    answer(send('next'));
    expect(events).toEqual(['a expired at 100', 'stalled at 100']);
  });

  it('carries ten thousand calls whose answers come one by one', async () => {
    const flights = Array.from({ length: 10_000 }, (_, index) => send(String(index)));
    await clock.pass(90);
    flights.forEach(answer);
    expect(deck.size).toBe(0);
    await clock.pass(1000);
    expect(events).toEqual([]);
  });

  it('expires the unanswered rest of ten thousand calls and no other', async () => {
    const flights = Array.from({ length: 10_000 }, (_, index) => send(String(index)));
    flights.slice(0, 9_000).forEach(answer);
    expect(deck.size).toBe(1_000);
    await clock.pass(BUDGET_MS);
    const expired = events.filter((event) => event.endsWith('expired at 100'));
    expect(expired).toHaveLength(1_000);
    expect(expired[0]).toBe('9000 expired at 100');
    flights.slice(9_000).forEach(answer);
    expect(deck.size).toBe(0);
    expect(events.at(-1)).toBe('flowing at 100');
  });

  it('expires a call with less time left before older ones, and does not hold that against the server', async () => {
    send('whole');
    send('rest of a budget', 30, BUDGET_MS);
    await clock.pass(30);
    expect(events).toEqual(['rest of a budget expired at 30']);
    await clock.pass(BUDGET_MS - 30);
    expect(events.slice(1)).toEqual([`whole expired at ${BUDGET_MS}`, `stalled at ${BUDGET_MS}`]);
  });

  it('calls the server stalled only when the oldest call has outlasted a whole budget', async () => {
    send('rest of a budget', 30, BUDGET_MS);
    await clock.pass(30);
    expect(deck.stalled).toBe(false);
    await clock.pass(BUDGET_MS - 30);
    expect(deck.stalled).toBe(true);
  });
});
