import type { Clock } from '../../kernel/time.js';
import { surelyUnheard } from '../failure.js';
import { countLocally } from './local-counting.js';
import type { Meter } from './meter.js';
import { OPERATION, type Operation } from './outcome.js';
import type { Question } from './question.js';

/** What was done here with one meter. */
interface Debt {
  /** When it was made full, monotonic microseconds: what Redis has of it from before is to be forgotten. */
  resetUs: number | undefined;
  /** Units that were given back beyond those that were granted here: Redis has counted them, or may have. */
  returned: number;
  /** Units that Redis has surely not counted. */
  granted: number;
  /** Units that Redis was asked for without an answer: it may have counted them. */
  doubtful: number;
  /** What Redis said last, before any of it. */
  told: Meter | undefined;
}

const NOTHING: Debt = { resetUs: undefined, returned: 0, granted: 0, doubtful: 0, told: undefined };

interface Sums {
  readonly known: number;
  readonly back: number;
  readonly owed: number;
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
 * What this process did while Redis was away, until Redis is told: before the next decision about the same subject, else
 * in the background. Four questions make up for it, in this order:
 *
 * - `reset` of what was made full here, unless it is full by itself since. Done twice it does no harm to anybody but the
 *   limit, so it is asked until there is an answer.
 * - `raise` to what Redis said last, and what it left unanswered. That is no news for a server that kept its data, so
 *   nothing counts twice, however often and by whomever it is asked; one that lost them is reminded.
 * - `refund` of what was given back here and had been counted there: as much of it as Redis would still hold by what it
 *   said last, since the rest has been earned back by now and others may have spent it. It is asked once: what may have
 *   been given is not given again.
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
    if (!this.find(meter)) this.keep(meter, { ...NOTHING, told: told ? meter.copy() : undefined });
  }

  /** @param doubtful Redis was asked first, and may have counted them */
  add(meter: Meter, units: number, doubtful: boolean): void {
    const debt = this.find(meter);
    if (!debt) return;
    if (doubtful) debt.doubtful += units;
    else debt.granted += units;
  }

  /**
   * Units were given back here: first those that Redis has never heard of.
   *
   * @param doubtful Redis was asked first, and may have given them back
   */
  takeBack(meter: Meter, units: number, doubtful: boolean): void {
    const debt = this.find(meter);
    if (!debt) return;
    const from = doubtful ? 'doubtful' : 'granted';
    const own = Math.min(debt[from], units);
    debt[from] -= own;
    if (!doubtful) debt.returned += units - own;
    // Else the next raise would take it again.
    else if (debt.told) lower(debt.told, units - own, this.nowUs);
  }

  /** The meter was made full here: nothing that was before is owed, and Redis has to make it full as well. */
  reset(meter: Meter): void {
    if (!this.find(meter)) return;
    this.forget(meter);
    this.keep(meter, { ...NOTHING, resetUs: this.nowUs });
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
    this.forget(meter);
    const { known, back, owed } = this.sumsOf(meter, debt);
    const { doubtful, told } = debt;
    const resetUs = this.isPointless(meter, debt) ? undefined : debt.resetUs;
    let asked = 0;
    let unreset = false;
    const tell = (operation: Operation, units: number, failed: (failure: Failure) => void): void => {
      if (units === 0) return;
      asked += 1;
      this.ask(meter, operation, units, (failure) => {
        // What was counted before a reset that is still to come would be lost by it: that one brings everything again.
        if (failure && !unreset) failed(failure);
        done(!failure);
      });
    };
    tell(OPERATION.reset, resetUs === undefined ? 0 : 1, () => {
      unreset = true;
      this.reopen(meter, { ...NOTHING, resetUs, doubtful, granted: owed });
    });
    tell(OPERATION.raise, known, () => this.reopen(meter, { ...NOTHING, doubtful, told }));
    tell(OPERATION.refund, back, (failure) => {
      if (failure === 'unheard') this.reopen(meter, { ...NOTHING, returned: back, told });
      else this.takeBack(meter, back, true);
    });
    tell(OPERATION.charge, owed, (failure) =>
      this.reopen(meter, { ...NOTHING, [failure === 'unheard' ? 'granted' : 'doubtful']: owed }),
    );
    return asked;
  }

  /** Of what was spent before the reset nothing would be left by now; what was spent since, by others too, is to stay. */
  private isPointless({ limit }: Meter, { resetUs = 0 }: Debt): boolean {
    return this.nowUs - resetUs >= (limit.kind === 'rate' ? limit.capacity : 2 * limit.periodUs);
  }

  private forget(meter: Meter): void {
    this.young.delete(meter);
    this.old.delete(meter);
  }

  /** What Redis should know at least, what of that was given back, and what is to be added. Units. */
  private sumsOf(meter: Meter, { granted, doubtful, returned, told }: Debt): Sums {
    const { nowUs } = this;
    const known = Math.floor(told?.spentUnits(nowUs) ?? 0) + doubtful;
    return {
      known,
      back: Math.min(returned, known),
      // As far as it is not earned back yet: here each unit counted for all instances, see countLocally.
      owed: Math.ceil(Math.min(granted, meter.spentUnits(nowUs) / this.options.instances())),
    };
  }

  private get nowUs(): number {
    return Math.floor(this.options.clock.monotonicMs() * 1000);
  }

  /** What failed is owed as before, beside what has come to be owed since. */
  private reopen(meter: Meter, { resetUs, granted, doubtful, returned, told }: Debt): void {
    const debt = this.find(meter) ?? this.keep(meter, { ...NOTHING, told });
    debt.resetUs ??= resetUs;
    debt.granted += granted;
    debt.doubtful += doubtful;
    debt.returned += returned;
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

function lower(meter: Meter, units: number, nowUs: number): void {
  countLocally({ operation: OPERATION.refund, meters: [meter], cost: units, instances: 1, nowUs });
}

function ignore(): void {
  // The decision that follows tells its caller how it went.
}
