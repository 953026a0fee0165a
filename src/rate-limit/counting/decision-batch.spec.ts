import { describe, expect, it } from 'vitest';
import { compileLimit } from '../policies/compiled-limit.js';
import type { LimitRow } from '../policies/policy.js';
import { DecisionBatch } from './decision-batch.js';
import { Meter } from './meter.js';
import { type Cost, type LimitOutcome, OPERATION, type Operation } from './outcome.js';
import type { Question } from './question.js';

function limitOf(name: string, row: Partial<LimitRow> = {}) {
  const whole = { per: 'user', quota: 10, windowMs: 10_000, burst: 10, ...row } as LimitRow;
  return compileLimit(name, { limits: [whole] }, whole);
}

const MINUTE = limitOf('minute');
const HOUR = limitOf('hour', { windowMs: 3_600_000 });
const WINDOW = limitOf('window', { kind: 'window', windowMs: 20_000 });

let subjects = 0;
function meterOf(limit: Meter['limit']): Meter {
  subjects += 1;
  return new Meter(limit, limit, String(subjects).padStart(16, '-'));
}

/** What one question was told. */
interface Told {
  allowed?: boolean;
  outcomes?: readonly LimitOutcome[];
  nowMs?: number;
  error?: unknown;
}

function question(
  meters: readonly Meter[],
  { cost = 1, operation = OPERATION.spend }: { cost?: Cost; operation?: Operation } = {},
): Question & { readonly told: Told } {
  const told: Told = {};
  return {
    told,
    operation,
    meters,
    cost,
    answered: (allowed, outcomes, nowMs) => void Object.assign(told, { allowed, outcomes, nowMs }),
    failed: (error, nowMs) => void Object.assign(told, { error, nowMs }),
  };
}

function batchOf(questions: readonly Question[]): DecisionBatch {
  const batch = new DecisionBatch();
  for (const one of questions) {
    expect(batch.hasRoomFor(one)).toBe(true);
    batch.add(one);
  }
  return batch;
}

/** Reads what the script is told, as the script does. */
function read(batch: DecisionBatch) {
  const [program, costs, classCount, ...rest] = batch.args() as [
    string,
    string,
    number,
    ...(string | number)[],
  ];
  const bytes = Buffer.from(program);
  expect(bytes).toHaveLength(program.length);
  const classes = Array.from({ length: classCount }, () => {
    const [lengthUs, width, text] = rest.splice(0, 3) as [number, number, string];
    const fields = Array.from({ length: text.length / width }, (_, at) =>
      text.slice(at * width, (at + 1) * width),
    );
    return { lengthUs, fields };
  });
  const limits: { of: (typeof classes)[number] | undefined; rule: unknown[] }[] = [];
  while (rest.length > 0) {
    const [number, ...rule] = rest.splice(0, 4);
    limits.push({ of: classes[Number(number) - 1], rule });
  }
  const large = costs.split(' ').filter(Boolean).map(Number);
  const asked: unknown[] = [];
  for (let at = 0; at < bytes.length;) {
    const [operation, count = 0] = bytes.subarray(at, at + 2);
    at += 2;
    const about = Array.from({ length: count }, () => {
      const [number = 0, slot = 0, cost] = bytes.subarray(at, (at += 3));
      const limit = limits[number - 1];
      return [limit?.of?.fields[slot - 1], limit?.rule, cost === 127 ? large.shift() : cost];
    });
    asked.push({ operation, about });
  }
  expect(large).toEqual([]);
  return { classes, asked };
}

const toldOf = (meter: Meter, cost: number) => [
  meter.field,
  [meter.limit.kind === 'window' ? 1 : 0, meter.limit.periodUs, meter.limit.capacity],
  cost,
];

describe('A batch of decisions', () => {
  it.each([1, 125, 126, 127, 128, 255, 65_536, 2 ** 31, Number.MAX_SAFE_INTEGER])(
    'tells a cost of %i as it is',
    (cost) => {
      const [one, other] = [meterOf(MINUTE), meterOf(HOUR)];
      const { asked } = read(batchOf([question([one, other], { cost }), question([other], { cost: [3] })]));
      expect(asked).toEqual([
        { operation: OPERATION.spend, about: [toldOf(one, cost), toldOf(other, cost)] },
        { operation: OPERATION.spend, about: [toldOf(other, 3)] },
      ]);
    },
  );

  it('tells each limit its own cost, large ones in their order', () => {
    const meters = [meterOf(MINUTE), meterOf(WINDOW), meterOf(HOUR)];
    const costs = [500, 2, 127];
    const { asked } = read(batchOf([question(meters, { cost: costs, operation: OPERATION.charge })]));
    expect(asked).toEqual([
      { operation: OPERATION.charge, about: meters.map((meter, at) => toldOf(meter, costs[at] ?? 0)) },
    ]);
  });

  it('names a field once, however often its meter stands in it, and a limit once for all its subjects', () => {
    const [a, b] = [meterOf(MINUTE), meterOf(MINUTE)];
    const batch = batchOf([question([a, a]), question([b, a]), question([a])]);
    const { classes, asked } = read(batch);
    expect(classes.map(({ fields }) => fields)).toEqual([[a.field, b.field]]);
    expect(asked.map((one) => (one as { about: unknown[][] }).about.map(([field]) => field))).toEqual([
      [a.field, a.field],
      [b.field, a.field],
      [a.field],
    ]);
    expect(batch.args()).toHaveLength(3 + 3 + 4);
  });

  it('keeps states by how long they live: two keys for each class, and the version behind them', () => {
    const batch = batchOf([question([meterOf(HOUR), meterOf(MINUTE)]), question([meterOf(WINDOW)])]);
    expect(batch.keys('rl:{g}:s', 'rl:{g}:version')).toEqual([
      'rl:{g}:s:7200:0',
      'rl:{g}:s:7200:1',
      'rl:{g}:s:60:0',
      'rl:{g}:s:60:1',
      'rl:{g}:version',
    ]);
    expect(read(batch).classes.map(({ lengthUs, fields }) => [lengthUs, fields.length])).toEqual([
      [7_200_000_000, 1],
      [60_000_000, 2],
    ]);
  });

  it('holds 32 questions', () => {
    const batch = batchOf(Array.from({ length: 31 }, () => question([meterOf(MINUTE)])));
    expect(batch.isFull).toBe(false);
    batch.add(question([meterOf(MINUTE)]));
    expect([batch.isFull, batch.hasRoomFor(question([meterOf(MINUTE)]))]).toEqual([true, false]);
  });

  it('holds 127 fields of a class, and 127 limits, because their numbers are single bytes', () => {
    const four = () => question(Array.from({ length: 4 }, () => meterOf(MINUTE)));
    const fields = batchOf(Array.from({ length: 31 }, four));
    expect(fields.hasRoomFor(question([meterOf(MINUTE), meterOf(MINUTE), meterOf(MINUTE)]))).toBe(true);
    expect(fields.hasRoomFor(four())).toBe(false);

    const limits = Array.from({ length: 127 }, (_, at) => limitOf(`limit-${at}`));
    const all = batchOf([question(limits.map(meterOf))]);
    expect(read(all).classes[0]?.fields).toHaveLength(127);
    expect(all.hasRoomFor(question([meterOf(limitOf('one-more'))]))).toBe(false);
  });

  it('puts a meter whose limit was changed meanwhile where its states now live', () => {
    const meter = meterOf(MINUTE);
    const before = question([meter]);
    const batch = batchOf([before]);
    meter.follow({ ...HOUR, tag: MINUTE.tag });
    batch.add(question([meter]));
    const { asked } = read(batch);
    expect(batch.keys('s', 'v')).toHaveLength(5);
    expect(asked[1]).toEqual({ operation: OPERATION.spend, about: [toldOf(meter, 1)] });
  });

  describe('reads the answer:', () => {
    const NOW_MS = 5000;
    const answer = (batch: DecisionBatch, numbers: readonly number[]): void =>
      batch.answer(Float64Array.from([7, 0, ...numbers]), 2, NOW_MS);

    it('an admission, and what is left of each limit', () => {
      const [rate, window] = [meterOf(MINUTE), meterOf(WINDOW)];
      const asked = question([rate, window], { cost: 2 });
      const batch = batchOf([asked]);
      expect(batch.replySize).toBe(4);
      answer(batch, [2_000_000, 3, 4, 5_000_000]);
      expect(asked.told).toEqual({
        allowed: true,
        nowMs: NOW_MS,
        outcomes: [
          { remaining: 8, resetUs: 2_000_000, waitUs: 0 },
          { remaining: 4, resetUs: 35_000_000, waitUs: 0 },
        ],
      });
      expect(rate.aheadUs(NOW_MS * 1000)).toBe(2_000_000);
      expect(window.counts(NOW_MS * 1000)).toEqual({ current: 3, previous: 4, elapsedUs: 5_000_000 });
    });

    it('a denial, by the sign of the first number, which may stand for nought', () => {
      const [rate, window] = [meterOf(MINUTE), meterOf(WINDOW)];
      const denied = [question([rate, window], { cost: 2 }), question([window, rate], { cost: [9, 1] })];
      answer(batchOf(denied), [-1 - 10_000_000, -1 - 0, 0, 0, -1 - 2, 0, 0, -1 - 0]);
      expect(denied.map(({ told }) => [told.allowed, told.outcomes?.map(({ waitUs }) => waitUs)])).toEqual([
        [false, [2_000_000, 0]],
        [false, [20_000_000 + 10_000_000, 0]],
      ]);
      expect(rate.aheadUs(NOW_MS * 1000)).toBe(0);
      expect(window.counts(NOW_MS * 1000).current).toBe(2);
    });

    it('one question after the other, each at its place', () => {
      const asked = [question([meterOf(WINDOW)]), question([meterOf(MINUTE)]), question([meterOf(WINDOW)])];
      answer(batchOf(asked), [1, 0, 0, 3_000_000, -1 - 10, 0, 0]);
      expect(asked.map(({ told }) => [told.allowed, told.outcomes?.[0]?.remaining])).toEqual([
        [true, 9],
        [true, 7],
        [false, 0],
      ]);
    });

    it('of a limit that was lowered meanwhile: it denies for no longer than it takes to fill', () => {
      const meter = meterOf(HOUR);
      const batch = batchOf([question([meter])]);
      meter.follow({ ...MINUTE, tag: HOUR.tag });
      answer(batch, [-1 - HOUR.capacity]);
      expect(meter.aheadUs(NOW_MS * 1000)).toBe(MINUTE.capacity);
    });

    it('a failure is told to each', () => {
      const asked = [question([meterOf(WINDOW)]), question([meterOf(MINUTE)])];
      const error = new Error('away');
      batchOf(asked).fail(error, NOW_MS);
      expect(asked.map(({ told }) => told)).toEqual([
        { error, nowMs: NOW_MS },
        { error, nowMs: NOW_MS },
      ]);
    });
  });
});
