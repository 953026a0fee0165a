import type { Clock } from '../../kernel/time.js';
import { surelyUnheard } from '../failure.js';
import type { Meter } from './meter.js';
import { OPERATION, type Operation } from './outcome.js';
import type { Question } from './question.js';

/** What was granted here of one meter. */
interface Debt {
  /** Units that Redis has surely not counted. */
  granted: number;
  /** Units that Redis was asked for without an answer: it may have counted them. */
  doubtful: number;
  /** What Redis said last, before any of it. */
  told: Meter | undefined;
}

/** Redis surely did not do what it was asked, or may have done it. */
type Failure = 'unheard' | 'in doubt';

export interface ArrearsOptions {
  readonly redis: { ask(question: Question): void };
  readonly clock: Clock;
  /** Instances that shared the limits, this one included. */
  readonly instances: () => number;
  /** The trust that an answer of Redis has now; see Meter. */
  readonly trust: () => number;
  /** Meters at most; about 230 bytes each. The older half is forgotten first. */
  readonly capacity?: number;
}

const CAPACITY = 32_768;
/** Meters that are told to Redis in one go, when nobody waits for it: about two calls. */
const AT_A_TIME = 32;

/**
 * What this process granted while Redis was away, until Redis is told: before the next decision about the same
 * subject, else in the background. Two questions make up for it:
 *
 * - `raise` to what Redis said last, and what it left unanswered. That is no news for a server that kept its data, so
 *   nothing counts twice, however often and by whomever it is asked; one that lost them is reminded.
 * - `charge` of what was granted meanwhile, as far as it has not been earned back yet. It is asked once: without an
 *   answer it becomes a part of the next raise.
 */
export class Arrears {
  /** In two halves, of which the old one is forgotten as a whole when the young one is full. */
  private young = new Map<Meter, Debt>();
  private old = new Map<Meter, Debt>();
  private settling = false;

  constructor(private readonly options: ArrearsOptions) {}

  /** Those that Redis has to be told about. */
  meters(): Meter[] {
    return [...this.old.keys(), ...this.young.keys()];
  }

  /**
   * From now on the meter is counted here.
   *
   * @param told whether what it holds is the word of Redis
   */
  open(meter: Meter, told: boolean): void {
    if (!this.find(meter))
      this.keep(meter, { granted: 0, doubtful: 0, told: told ? meter.copy() : undefined });
  }

  /** @param doubtful Redis was asked first, and may have counted them */
  add(meter: Meter, units: number, doubtful: boolean): void {
    const debt = this.find(meter);
    if (!debt) return;
    if (doubtful) debt.doubtful += units;
    else debt.granted += units;
  }

  /** Units were given back here; what Redis knows of them it keeps. */
  takeBack(meter: Meter, units: number): void {
    const debt = this.find(meter);
    if (debt) debt.granted = Math.max(0, debt.granted - units);
  }

  /** The meter was made full: nothing is owed. */
  cancel(meter: Meter): void {
    this.young.delete(meter);
    this.old.delete(meter);
  }

  /** Asks Redis to count what these meters owe. Whatever is asked afterwards comes after it. */
  settle(meters: readonly Meter[]): void {
    if (this.young.size === 0 && this.old.size === 0) return;
    for (const meter of meters) this.settleOne(meter, ignore);
  }

  /** Tells Redis everything, a few at a time, for as long as it answers. */
  settleAll(): void {
    if (this.settling) return;
    this.settling = true;
    this.settleFrom(this.meters(), 0);
  }

  private settleFrom(meters: readonly Meter[], start: number): void {
    let at = start;
    let asked = 0;
    let answered = 0;
    let failed = false;
    const done = (ok: boolean): void => {
      answered += 1;
      failed ||= !ok;
      if (answered < asked) return;
      if (failed) this.settling = false;
      else this.settleFrom(meters, at);
    };
    for (; at < meters.length && asked < AT_A_TIME; at += 1)
      asked += this.settleOne(meters[at] as Meter, done);
    if (asked === 0) this.settling = false;
  }

  private find(meter: Meter): Debt | undefined {
    return this.young.get(meter) ?? this.old.get(meter);
  }

  /** @returns how many questions were asked, each of which tells its end */
  private settleOne(meter: Meter, done: (ok: boolean) => void): number {
    const debt = this.find(meter);
    if (!debt) return 0;
    this.cancel(meter);
    const { known, owed } = this.sumsOf(meter, debt);
    const { doubtful, told } = debt;
    if (known > 0)
      this.ask(meter, OPERATION.raise, known, (failure) => {
        if (failure) this.reopen(meter, { granted: 0, doubtful, told });
        done(!failure);
      });
    if (owed > 0)
      this.ask(meter, OPERATION.charge, owed, (failure) => {
        if (failure === 'unheard') this.reopen(meter, { granted: owed, doubtful: 0, told: undefined });
        if (failure === 'in doubt') this.reopen(meter, { granted: 0, doubtful: owed, told: undefined });
        done(!failure);
      });
    return Number(known > 0) + Number(owed > 0);
  }

  /** What Redis should know at least, and what is to be added to that. Units. */
  private sumsOf(meter: Meter, { granted, doubtful, told }: Debt): { known: number; owed: number } {
    const { clock, instances } = this.options;
    const nowUs = Math.floor(clock.monotonicMs() * 1000);
    return {
      known: Math.floor(told?.spentUnits(nowUs) ?? 0) + doubtful,
      // As far as it is not earned back yet: here each unit counted for all instances, see countLocally.
      owed: Math.ceil(Math.min(granted, meter.spentUnits(nowUs) / instances())),
    };
  }

  private reopen(meter: Meter, { granted, doubtful, told }: Debt): void {
    const debt = this.find(meter) ?? this.keep(meter, { granted: 0, doubtful: 0, told });
    debt.granted += granted;
    debt.doubtful += doubtful;
    debt.told ??= told;
  }

  private keep(meter: Meter, debt: Debt): Debt {
    const { capacity = CAPACITY } = this.options;
    if (this.young.size >= capacity / 2) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(meter, debt);
    return debt;
  }

  private ask(meter: Meter, operation: Operation, cost: number, ended: (failure?: Failure) => void): void {
    const trust = this.options.trust();
    this.options.redis.ask({
      operation,
      meters: [meter],
      cost,
      answered: (_allowed, _outcomes, nowMs) => {
        meter.heard(trust, nowMs);
        ended();
      },
      failed: (error) => ended(surelyUnheard(error) ? 'unheard' : 'in doubt'),
    });
  }
}

function ignore(): void {
  // The decision that follows tells its caller how it went.
}
