import { describe, expect, it } from 'vitest';
import { type Measured, type ThresholdName, judge, missed } from './judgement.js';
import { Tally } from './tally.js';

const thresholds = { p95Ms: 120, errorPercent: 1, limitedPercent: 0.5, strict: false };

/** @param statuses how many answers had each status; 0 stands for none at all */
function measured(statuses: Readonly<Record<number, number>>, rest: Partial<Measured> = {}): Measured {
  const tally = new Tally();
  for (const [status, count] of Object.entries(statuses)) {
    const answer = status === '0' ? { failure: 'ECONNRESET' } : { status: Number(status) };
    for (let n = 0; n < count; n += 1) tally.record(answer, 5);
  }
  const counts = tally.counts();
  return {
    counts,
    p95Ms: tally.latency.percentileMs(95),
    clients: { insideLimits: true, limitPerMinute: 300, perMinuteEach: 200 },
    decisions: { byBackend: { redis: counts.answered } },
    ...rest,
  };
}

function verdictOf(threshold: ThresholdName, run: Measured, changes: Partial<typeof thresholds> = {}) {
  return judge(run, { ...thresholds, ...changes }).find((verdict) => verdict.threshold === threshold);
}

describe('The judgement of a run', () => {
  it('passes when every threshold holds', () => {
    const verdicts = judge(measured({ 200: 1000 }), thresholds);
    expect(verdicts.map(({ threshold, outcome }) => [threshold, outcome])).toEqual([
      ['p95', 'pass'],
      ['5xx', 'pass'],
      ['429', 'pass'],
      ['other', 'pass'],
      ['backend', 'pass'],
    ]);
    expect(missed(verdicts, true)).toEqual([]);
  });

  it.each([
    [119.9, 'pass'],
    [120, 'fail'],
    [undefined, 'fail'],
  ])('judges a p95 of %s ms: %s', (p95Ms, outcome) => {
    expect(verdictOf('p95', measured({ 200: 1 }, { p95Ms }))).toMatchObject({ outcome });
  });

  it.each([
    [{ 200: 991, 500: 9 }, 'pass', 0.9],
    [{ 200: 990, 503: 10 }, 'fail', 1],
    [{ 200: 980, 500: 10, 0: 10 }, 'fail', 2],
  ])('counts 5xx and requests without an answer together: %j', (statuses, outcome, percent) => {
    expect(verdictOf('5xx', measured(statuses))).toMatchObject({ outcome, measured: percent });
  });

  it('lets no error at all pass a threshold of zero, and not one more', () => {
    expect(verdictOf('5xx', measured({ 200: 100 }), { errorPercent: 0 })).toMatchObject({ outcome: 'pass' });
    expect(verdictOf('5xx', measured({ 200: 99, 500: 1 }), { errorPercent: 0 })).toMatchObject({
      outcome: 'fail',
    });
  });

  it('judges 429 inside the limits only', () => {
    expect(verdictOf('429', measured({ 200: 996, 429: 4 }))).toMatchObject({ outcome: 'pass' });
    expect(verdictOf('429', measured({ 200: 995, 429: 5 }))).toMatchObject({ outcome: 'fail' });
    const clients = { insideLimits: false, limitPerMinute: 300, perMinuteEach: 1000 };
    expect(verdictOf('429', measured({ 200: 300, 429: 700 }, { clients }))).toMatchObject({
      outcome: 'not-judged',
      measured: 70,
      why: expect.stringContaining('each address sent 1000 a minute and may send 300'),
    });
  });

  it('takes no speed from denials', () => {
    const tally = new Tally();
    for (let n = 0; n < 95; n += 1) tally.record({ status: 429 }, 1);
    for (let n = 0; n < 5; n += 1) tally.record({ status: 200 }, 500);
    expect(tally.latency.percentileMs(95)).toBe(500);
    expect(verdictOf('p95', measured({ 429: 10 }))).toMatchObject({
      outcome: 'fail',
      why: 'every answer was 429',
    });
  });

  it('misses on answers that mean that something else was measured', () => {
    expect(verdictOf('other', measured({ 200: 999, 401: 1 }))).toMatchObject({ outcome: 'fail' });
    expect(verdictOf('other', measured({ 302: 5 }))).toMatchObject({ outcome: 'fail', measured: 100 });
  });
});

describe('The judgement of the backend', () => {
  const run = (byBackend: Record<string, number>) => measured({ 200: 100 }, { decisions: { byBackend } });

  it.each([[{ redis: 100 }], [{ redis: 250 }], [{ redis: 40, cache: 60 }]])('passes with %j', (byBackend) => {
    expect(verdictOf('backend', run(byBackend))).toMatchObject({ outcome: 'pass', measured: 100 });
  });

  it.each([
    [{ redis: 99, memory: 1 }, 99, 'decided by memory: 1'],
    [{ memory: 100 }, 0, 'decided by memory: 100'],
    [{ redis: 75, unknown: 25 }, 75, 'decided by unknown: 25'],
    [{ memory: 1 }, 0, 'decided by memory: 1'],
  ])('fails with %j', (byBackend, percent, why) => {
    expect(verdictOf('backend', run(byBackend))).toMatchObject({ outcome: 'fail', measured: percent, why });
  });

  it.each([
    [{ byBackend: { redis: 50 } }, '50 decisions were counted for 100 answers'],
    [{ byBackend: {} }, 'no rate-limit decision was counted'],
    [{ unprovable: '/metrics answers 401' }, '/metrics answers 401'],
  ])('cannot prove %j, which is missed with --strict only', (decisions, why) => {
    const verdicts = judge(measured({ 200: 100 }, { decisions }), thresholds);
    expect(verdicts.at(-1)).toMatchObject({ outcome: 'not-provable', why: expect.stringContaining(why) });
    expect(missed(verdicts, false)).toEqual([]);
    expect(missed(verdicts, true).map(({ threshold }) => threshold)).toEqual(['backend']);
  });
});
