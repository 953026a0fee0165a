import { countLocally } from '../../src/rate-limit/counting/local-counting.js';
import type { Meter } from '../../src/rate-limit/counting/meter.js';
import { type Cost, OPERATION, type Operation } from '../../src/rate-limit/counting/outcome.js';
import { type CompiledLimit, compileLimit } from '../../src/rate-limit/policies/compiled-limit.js';
import type { LimitRow } from '../../src/rate-limit/policies/policy.js';
import { type Answer, type Asked, meterOf } from './rate-limit.rig.js';
import { type Store, standing, standingOf, statesOf } from './support/limit-states.js';

/** Fast and slow ones, of every kind, in four generation classes. */
const ROWS: Readonly<Record<string, LimitRow>> = {
  swift: { per: 'user', quota: 5, windowMs: 1, burst: 5 },
  brisk: { per: 'user', quota: 50, windowMs: 1000, burst: 20 },
  slow: { per: 'user', quota: 3, windowMs: 300_000, burst: 3 },
  daily: { per: 'user', quota: 2, windowMs: 80_000_000, burst: 2 },
  wide: { per: 'user', quota: 3_000_000_000, windowMs: 3_000_000, burst: 3_000_000_000 },
  'brisk-window': { kind: 'window', per: 'user', quota: 10, windowMs: 20 },
  'slow-window': { kind: 'window', per: 'user', quota: 7, windowMs: 1_000_000 },
  'wide-window': { kind: 'window', per: 'user', quota: 3_000_000_000, windowMs: 3_000_000 },
};
const WIDE_COSTS = [1, 126, 127, 128, 1_000_000_000, 2 ** 31];
const { spend, peek, refund, charge, reset, raise } = OPERATION;
/** Each as often as it stands here. */
const OPERATIONS: readonly Operation[] = [
  ...Array<Operation>(20).fill(spend),
  peek,
  peek,
  refund,
  refund,
  charge,
  reset,
  raise,
  raise,
];
/** As many as go out in one call. */
const BATCH = 32;

const limitOf = (name: string, row: LimitRow): CompiledLimit => compileLimit(name, { limits: [row] }, row);
/** Charged in each batch, so it is full at the moment of the batch and one period: what time it is in Redis. */
const TIMEPIECE = limitOf('timepiece', { per: 'user', quota: 1, windowMs: 50_000, burst: 1 });

/** Reproducible pseudo-random integers below `n` (a linear congruential generator). */
export function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

export interface Counted {
  ask(questions: readonly Asked[]): Promise<readonly Answer[]>;
  store(): Promise<Store> | Store;
}

/** A limit of a subject, as it is counted and as the twin counts it. */
interface Pair {
  readonly name: string;
  readonly counted: Meter;
  readonly twin: Meter;
}

interface Put {
  readonly operation: Operation;
  readonly cost: Cost;
  readonly pairs: readonly Pair[];
}

/** A history of batches, each put to Redis and to the twin, which must agree in all that they say and keep. */
export class History {
  readonly seen = { admitted: 0, denied: 0 };
  private readonly pairs: readonly Pair[];
  private readonly timepiece = pairOf('timepiece', TIMEPIECE, 'one');

  constructor(
    private readonly counted: Counted,
    private readonly roll: (n: number) => number,
  ) {
    this.pairs = Object.entries(ROWS).flatMap(([name, row]) => {
      const limit = limitOf(name, row);
      return ['a', 'b', 'c'].map((subject) => pairOf(name, limit, subject));
    });
  }

  /** @returns what was said and kept, and what the twin says and keeps; both are to be the same */
  async step(): Promise<{ readonly actual: unknown; readonly expected: unknown }> {
    const questions: Put[] = Array.from({ length: BATCH - 1 }, () => this.question());
    questions.push({ operation: OPERATION.charge, cost: 1, pairs: [this.timepiece] });
    const answers = await this.counted.ask(
      questions.map(({ pairs, ...asked }) => ({ ...asked, meters: pairs.map(({ counted }) => counted) })),
    );
    const states = statesOf(await this.counted.store());
    const [fullAtUs = NaN] = states.get(this.timepiece.counted.field) ?? [];
    const nowUs = fullAtUs - TIMEPIECE.capacity;
    const expected = questions.map(({ pairs, ...asked }) =>
      countLocally({ ...asked, meters: pairs.map(({ twin }) => twin), instances: 1, nowUs }),
    );
    for (const { allowed } of expected) this.seen[allowed ? 'admitted' : 'denied'] += 1;
    const told = questions.map(described);
    const kept = (read: (pair: Pair) => unknown) => this.pairs.map((pair) => [pair.name, read(pair)]);
    return {
      actual: {
        told,
        answers,
        kept: kept(({ counted }) => standing(counted, states.get(counted.field), nowUs)),
      },
      expected: { told, answers: expected, kept: kept(({ twin }) => standingOf(twin, nowUs)) },
    };
  }

  private question(): Put {
    const { roll } = this;
    const pairs = Array.from({ length: 1 + roll(4) }, () => this.pairs[roll(this.pairs.length)] as Pair);
    const onlyWide = roll(4) === 0;
    const chosen = onlyWide ? this.pairs.filter(({ name }) => name.startsWith('wide')).slice(roll(5)) : pairs;
    const units = () =>
      onlyWide ? (WIDE_COSTS[roll(WIDE_COSTS.length)] ?? 1) : 1 + roll(roll(5) === 0 ? 12 : 3);
    const cost = roll(5) === 0 ? chosen.map(units) : units();
    const operation = OPERATIONS[roll(OPERATIONS.length)] ?? OPERATION.spend;
    return { operation, cost, pairs: chosen };
  }
}

function described({ operation, cost, pairs }: Put): string {
  return `${operation} ${String(cost)} of ${pairs.map(({ name, twin }) => `${name} ${twin.field}`).join(', ')}`;
}

function pairOf(name: string, limit: CompiledLimit, subject: string): Pair {
  return { name, counted: meterOf(limit, subject), twin: meterOf(limit, subject) };
}
