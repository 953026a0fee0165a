import type { Cost, OPERATION } from '../../src/rate-limit/counting/outcome.js';

/**
 * What must be answered whatever counts: this process, redis-server, the embedded engine, the bare script. Units
 * are so slow (100 seconds each, windows of 1,000) that the moments a real server takes change no count.
 */
export interface Step {
  /** Time that passes before the step. */
  readonly afterSeconds?: number;
  /** Unset: spend. */
  readonly operation?: keyof typeof OPERATION;
  /** Keys of limits. */
  readonly on: readonly string[];
  /** Of every limit, or one for each. Unset: 1. */
  readonly cost?: Cost;
  /** Unset: true. */
  readonly allowed?: boolean;
  /** Of each limit, in their order. */
  readonly remaining: readonly number[];
  readonly waitSeconds?: readonly number[];
  readonly resetSeconds?: readonly number[];
}

/** So long takes a unit of a rate to come back. */
export const UNIT_SECONDS = 100;
/** So long is a window, but a wide one, which holds a unit per millisecond. */
export const WINDOW_SECONDS = 1000;
export const SIZES: Readonly<Record<string, number>> = {
  one: 1,
  three: 3,
  ten: 10,
  hundred: 100,
  thousand: 1000,
  wide: 2_500_000_000,
};

const spendAll = (key: string, size: number): Step[] =>
  Array.from({ length: size }, (_, at) => ({ on: [key], remaining: [size - at - 1] }));
const denied = { allowed: false, remaining: [0] } as const;

/** A key is `<kind>-<size>`, with `:<anything>` behind it where several are needed. */
export const VECTORS: Readonly<Record<string, readonly Step[]>> = {
  'an unknown key has its whole burst': [
    { on: ['rate-ten'], remaining: [9], waitSeconds: [0], resetSeconds: [100] },
  ],
  'the burst passes, the next unit does not': [
    ...spendAll('rate-three', 3),
    { on: ['rate-three'], ...denied, waitSeconds: [100], resetSeconds: [300] },
  ],
  'a denial does not lengthen the wait': [
    ...spendAll('rate-one', 1),
    { on: ['rate-one'], ...denied, waitSeconds: [100] },
    { afterSeconds: 50, on: ['rate-one'], ...denied, waitSeconds: [50] },
    { afterSeconds: 60, on: ['rate-one'], remaining: [0] },
  ],
  'one unit comes back per period, not all at the end of a window': [
    ...spendAll('rate-three', 3),
    { afterSeconds: 70, on: ['rate-three'], ...denied },
    { afterSeconds: 70, on: ['rate-three'], remaining: [0] },
    { on: ['rate-three'], ...denied },
  ],
  'a rest of any length earns one burst and no more': [
    ...spendAll('rate-three', 3),
    { afterSeconds: 1_000_000, on: ['rate-three'], cost: 3, remaining: [0], resetSeconds: [300] },
    { on: ['rate-three'], ...denied },
  ],
  'a spent burst gives back a fifth in a fifth of its time: there is no window edge': [
    { on: ['rate-hundred'], cost: 100, remaining: [0] },
    { afterSeconds: 2050, on: ['rate-hundred'], cost: 20, remaining: [0] },
    { on: ['rate-hundred'], ...denied },
  ],
  'a cost is spent whole': [
    { on: ['rate-ten'], cost: 7, remaining: [3], resetSeconds: [700] },
    { on: ['rate-ten'], cost: 4, allowed: false, remaining: [3], waitSeconds: [100] },
    { on: ['rate-ten'], cost: 3, remaining: [0] },
  ],
  'a cost above the burst never fits, and spends nothing': [
    { on: ['rate-three'], cost: 4, allowed: false, remaining: [3], waitSeconds: [-1], resetSeconds: [0] },
    { on: ['rate-three'], cost: 3, remaining: [0] },
    { on: ['rate-three'], cost: 4, ...denied, waitSeconds: [-1] },
  ],
  'two keys do not touch each other': [
    ...spendAll('rate-one:a', 1),
    { on: ['rate-one:b'], remaining: [0] },
    { on: ['rate-one:a'], ...denied },
  ],
  'several limits are spent together, whichever generation they live in': [
    { on: ['rate-one', 'rate-ten', 'window-three', 'rate-hundred'], remaining: [0, 9, 2, 99] },
    { on: ['rate-ten', 'window-three', 'rate-hundred'], cost: 2, remaining: [7, 0, 97] },
  ],
  'a denied limit spends nothing on the others, whether they stand before or behind it': [
    ...spendAll('rate-one', 1),
    {
      on: ['rate-ten', 'window-ten', 'rate-one', 'rate-hundred'],
      allowed: false,
      remaining: [10, 10, 0, 100],
      waitSeconds: [0, 0, 100, 0],
      resetSeconds: [0, 0, 100, 0],
    },
    { on: ['rate-ten', 'window-ten'], cost: 10, remaining: [0, 0] },
    { on: ['rate-hundred'], cost: 100, remaining: [0] },
  ],
  'two denied limits each tell their own wait': [
    { on: ['rate-ten'], cost: 9, remaining: [1] },
    { on: ['rate-three'], cost: 3, remaining: [0] },
    { on: ['rate-ten', 'rate-three'], cost: 3, allowed: false, remaining: [1, 0], waitSeconds: [200, 300] },
  ],
  'a key that stands twice in one question is charged twice, or not at all': [
    { on: ['rate-three', 'rate-three'], remaining: [1, 1] },
    { on: ['rate-three', 'rate-three'], allowed: false, remaining: [1, 1] },
    { on: ['window-three', 'window-three'], remaining: [1, 1] },
    { on: ['window-three', 'window-three'], allowed: false, remaining: [1, 1] },
    { on: ['rate-three', 'window-three'], remaining: [0, 0] },
  ],
  'a peek says what a spend would, and takes nothing': [
    { operation: 'peek', on: ['rate-three', 'window-three'], cost: 3, remaining: [3, 3] },
    { operation: 'peek', on: ['rate-three'], cost: 4, allowed: false, remaining: [3], waitSeconds: [-1] },
    { on: ['rate-three', 'window-three'], cost: 2, remaining: [1, 1] },
    {
      operation: 'peek',
      on: ['rate-three', 'window-three'],
      cost: 2,
      allowed: false,
      remaining: [1, 1],
      waitSeconds: [100, 1500],
    },
    { on: ['rate-three', 'window-three'], remaining: [0, 0] },
  ],
  'a refund gives units back, and a limit is never more than full': [
    { on: ['rate-three', 'window-three'], cost: 3, remaining: [0, 0] },
    { operation: 'refund', on: ['rate-three', 'window-three'], cost: 2, remaining: [2, 2] },
    {
      operation: 'refund',
      on: ['rate-three', 'window-three'],
      cost: 2,
      remaining: [3, 3],
      resetSeconds: [0, 0],
    },
    { on: ['rate-three', 'window-three'], cost: 4, allowed: false, remaining: [3, 3] },
  ],
  'a charge takes units whatever is left, and a limit is never less than empty': [
    { on: ['rate-three', 'window-three'], cost: 2, remaining: [1, 1] },
    { operation: 'charge', on: ['rate-three', 'window-three'], cost: 1000, remaining: [0, 0] },
    { on: ['rate-three'], ...denied, waitSeconds: [100] },
    { on: ['window-three'], ...denied, waitSeconds: [1333.333334] },
  ],
  'a raise takes what is lacking of its cost, once': [
    { on: ['rate-ten', 'window-ten'], cost: 3, remaining: [7, 7] },
    {
      operation: 'raise',
      on: ['rate-ten', 'window-ten'],
      cost: 5,
      remaining: [5, 5],
      resetSeconds: [500, 2000],
    },
    { operation: 'raise', on: ['rate-ten', 'window-ten'], cost: 5, remaining: [5, 5] },
    { operation: 'raise', on: ['rate-ten', 'window-ten'], cost: 2, remaining: [5, 5] },
    { operation: 'raise', on: ['rate-ten', 'window-ten'], cost: 1000, remaining: [0, 0] },
  ],
  'each limit may cost something else': [
    { on: ['rate-ten', 'window-ten', 'rate-ten:b'], cost: [1, 5, 9], remaining: [9, 5, 1] },
    {
      on: ['rate-ten', 'window-ten', 'rate-ten:b'],
      cost: [4, 5, 2],
      allowed: false,
      remaining: [9, 5, 1],
      waitSeconds: [0, 0, 100],
    },
    { operation: 'refund', on: ['window-ten', 'rate-ten:b'], cost: [2, 3], remaining: [7, 4] },
    { on: ['rate-thousand', 'window-wide'], cost: [126, 2 ** 31], remaining: [874, 352_516_352] },
  ],
  'a reset makes every limit full': [
    { on: ['rate-ten', 'window-ten'], cost: 10, remaining: [0, 0] },
    { afterSeconds: 1300, on: ['window-ten'], cost: 2, remaining: [1] },
    { operation: 'reset', on: ['rate-ten', 'window-ten'], remaining: [10, 10], resetSeconds: [0, 0] },
    { on: ['rate-ten', 'window-ten'], cost: 10, remaining: [0, 0] },
  ],
  'the quota of a window passes at once, and fades out evenly in the next window': [
    { on: ['window-ten'], cost: 10, remaining: [0], resetSeconds: [2000] },
    { on: ['window-ten'], ...denied, waitSeconds: [1100] },
    { afterSeconds: 950, on: ['window-ten'], cost: 2, ...denied, waitSeconds: [250] },
    { afterSeconds: 400, on: ['window-ten'], remaining: [2], resetSeconds: [1650] },
    { on: ['window-ten'], cost: 4, allowed: false, remaining: [2], waitSeconds: [150] },
    { on: ['window-ten'], cost: 2, remaining: [0] },
  ],
  'a window begins with the first unit, so a rest before it earns nothing': [
    { afterSeconds: 990, on: ['window-ten'], cost: 10, remaining: [0] },
    { afterSeconds: 50, on: ['window-ten'], ...denied, waitSeconds: [1050] },
  ],
  'two windows later all is forgotten': [
    { on: ['window-three'], cost: 3, remaining: [0] },
    { afterSeconds: 2100, on: ['window-three'], cost: 3, remaining: [0] },
    { on: ['window-three'], ...denied },
  ],
  'a refund takes from the present window first, then from the last': [
    { on: ['window-ten'], cost: 6, remaining: [4] },
    { afterSeconds: 1550, on: ['window-ten'], cost: 2, remaining: [5] },
    { operation: 'refund', on: ['window-ten'], cost: 4, remaining: [8] },
    { operation: 'refund', on: ['window-ten'], cost: 9, remaining: [10], resetSeconds: [0] },
  ],
  'the costs whose bytes are special: 126, 127, 128, and 2^31': [
    { on: ['rate-thousand', 'window-wide'], cost: 126, remaining: [874, 2_499_999_874] },
    { on: ['rate-thousand', 'window-wide'], cost: 127, remaining: [747, 2_499_999_747] },
    { on: ['rate-thousand', 'window-wide'], cost: 128, remaining: [619, 2_499_999_619] },
    { on: ['window-wide', 'window-wide:b'], cost: 2 ** 31, remaining: [352_515_971, 352_516_352] },
    { on: ['window-wide'], cost: 2 ** 31, allowed: false, remaining: [352_515_971] },
  ],
};
