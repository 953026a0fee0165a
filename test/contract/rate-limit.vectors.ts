import type { KeyedLimit } from '../../src/rate-limit/gcra.js';

/**
 * What every backend must answer, whatever counts: this process, redis-server, the embedded engine, the bare
 * script. The units are so slow (100 seconds each) that the moments a real server takes change no count.
 */
export interface Step {
  /** Time that passes before the step. */
  readonly afterSeconds?: number;
  /** `key` of a limit, and the cost. */
  readonly spend: readonly (readonly [key: string, cost: number])[];
  readonly allowed: boolean;
  /** Of each limit, in their order. */
  readonly remaining: readonly number[];
  readonly waitSeconds?: readonly number[];
  readonly resetSeconds?: readonly number[];
}

export const UNIT_SECONDS = 100;
const BURSTS: Readonly<Record<string, number>> = { one: 1, three: 3, ten: 10, hundred: 100 };

/** A key is named after its burst: `ten`, or `ten:a` where several are needed. */
export function limit(key: string, cost = 1): KeyedLimit {
  const burst = BURSTS[key.split(':')[0] ?? ''] ?? 1;
  return { key: `rl:g:${key}`, intervalUs: UNIT_SECONDS * 1_000_000, burst, cost };
}

const spendAll = (key: string, burst: number): Step[] =>
  Array.from({ length: burst }, (_, at) => ({
    spend: [[key, 1]],
    allowed: true,
    remaining: [burst - at - 1],
  }));

export const VECTORS: Readonly<Record<string, readonly Step[]>> = {
  'an unknown key has its whole burst': [
    { spend: [['ten', 1]], allowed: true, remaining: [9], waitSeconds: [0], resetSeconds: [100] },
  ],
  'the burst passes, the next unit does not': [
    ...spendAll('three', 3),
    { spend: [['three', 1]], allowed: false, remaining: [0], waitSeconds: [100], resetSeconds: [300] },
  ],
  'a denial does not lengthen the wait': [
    ...spendAll('one', 1),
    { spend: [['one', 1]], allowed: false, remaining: [0], waitSeconds: [100] },
    { afterSeconds: 50, spend: [['one', 1]], allowed: false, remaining: [0], waitSeconds: [50] },
    { afterSeconds: 60, spend: [['one', 1]], allowed: true, remaining: [0] },
  ],
  'one unit comes back per interval, not all at the end of a window': [
    ...spendAll('three', 3),
    { afterSeconds: 70, spend: [['three', 1]], allowed: false, remaining: [0] },
    { afterSeconds: 70, spend: [['three', 1]], allowed: true, remaining: [0] },
    { spend: [['three', 1]], allowed: false, remaining: [0] },
  ],
  'a rest of any length earns one burst and no more': [
    ...spendAll('three', 3),
    { afterSeconds: 1_000_000, spend: [['three', 3]], allowed: true, remaining: [0], resetSeconds: [300] },
    { spend: [['three', 1]], allowed: false, remaining: [0] },
  ],
  'a spent burst gives back a fifth in a fifth of its time: there is no window edge': [
    { spend: [['hundred', 100]], allowed: true, remaining: [0] },
    { afterSeconds: 2050, spend: [['hundred', 20]], allowed: true, remaining: [0] },
    { spend: [['hundred', 1]], allowed: false, remaining: [0] },
  ],
  'a cost is spent whole': [
    { spend: [['ten', 7]], allowed: true, remaining: [3], resetSeconds: [700] },
    { spend: [['ten', 4]], allowed: false, remaining: [3], waitSeconds: [100] },
    { spend: [['ten', 3]], allowed: true, remaining: [0] },
  ],
  'a cost above the burst never fits, and spends nothing': [
    { spend: [['three', 4]], allowed: false, remaining: [3], waitSeconds: [-1], resetSeconds: [0] },
    { spend: [['three', 3]], allowed: true, remaining: [0] },
    { spend: [['three', 4]], allowed: false, remaining: [0], waitSeconds: [-1] },
  ],
  'two keys do not touch each other': [
    ...spendAll('one:a', 1),
    { spend: [['one:b', 1]], allowed: true, remaining: [0] },
    { spend: [['one:a', 1]], allowed: false, remaining: [0] },
  ],
  'several limits are spent together': [
    {
      spend: [
        ['ten', 2],
        ['three', 1],
        ['hundred', 5],
      ],
      allowed: true,
      remaining: [8, 2, 95],
      resetSeconds: [200, 100, 500],
    },
  ],
  'a denied limit spends nothing on the others, whether they stand before or behind it': [
    ...spendAll('one', 1),
    {
      spend: [
        ['ten', 1],
        ['one', 1],
        ['hundred', 1],
      ],
      allowed: false,
      remaining: [10, 0, 100],
      waitSeconds: [0, 100, 0],
      resetSeconds: [0, 100, 0],
    },
    { spend: [['ten', 10]], allowed: true, remaining: [0] },
    { spend: [['hundred', 100]], allowed: true, remaining: [0] },
  ],
  'two denied limits each tell their own wait': [
    { spend: [['ten', 10]], allowed: true, remaining: [0] },
    ...spendAll('one', 1),
    {
      spend: [
        ['ten', 3],
        ['one', 1],
      ],
      allowed: false,
      remaining: [0, 0],
      waitSeconds: [300, 100],
    },
  ],
  'a key that stands twice in one call is charged twice': [
    {
      spend: [
        ['three', 1],
        ['three', 1],
      ],
      allowed: true,
      remaining: [2, 1],
    },
    {
      spend: [
        ['three', 1],
        ['three', 1],
      ],
      allowed: false,
      remaining: [1, 0],
      waitSeconds: [0, 100],
    },
    { spend: [['three', 1]], allowed: true, remaining: [0] },
  ],
};
