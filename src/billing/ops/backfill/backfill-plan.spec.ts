import { describe, expect, it } from 'vitest';
import { SelectionError } from '../ops.errors.js';
import { STRIPE_KEEPS_S, planBackfill, startOf } from './backfill-plan.js';
import { type BackfillRecord, progressOf, readRecord, withPage } from './backfill-record.js';

const nowS = 1_700_000_000;
const facts = { nowS, overlapS: 300, lagS: 60, owner: 'host:1' };
const first = (request = {}, known = {}) => planBackfill(request, known, facts);
const stopped = (): BackfillRecord => ({
  ...first(),
  state: 'stopped',
  at: { id: 'evt_1', created: nowS - 5000 },
});

describe('the plan of a backfill', () => {
  it('begins with what Stripe still has, and ends before what it may not list yet', () => {
    expect(first()).toMatchObject({
      fromS: nowS - STRIPE_KEEPS_S,
      toS: nowS - 60,
      continuous: true,
      state: 'running',
    });
  });

  it('begins an overlap before the end of the last one', () => {
    expect(first({}, { head: { createdS: nowS - 1000 } })).toMatchObject({
      fromS: nowS - 1300,
      toS: nowS - 60,
    });
    expect(first({}, { head: { createdS: 5 } }).fromS).toBe(nowS - STRIPE_KEEPS_S);
    // The clock of this machine was set back.
    expect(first({}, { head: { createdS: nowS + 9000 } })).toMatchObject({
      fromS: nowS + 8700,
      toS: nowS + 8700,
    });
  });

  it('goes on with one that did not come to its end, up to now', () => {
    const record = stopped();
    const plan = planBackfill({}, { record }, { ...facts, nowS: nowS + 900, owner: 'other:2' });
    expect(plan).toMatchObject({
      id: record.id,
      at: record.at,
      toS: nowS + 840,
      owner: 'other:2',
      state: 'running',
    });
    expect(startOf(plan, 300)).toBe(nowS - 5300);
    expect(first({}, { record: { ...record, state: 'done' as const } }).id).not.toBe(record.id);
    expect(first({ fromS: nowS - 100 }, { record }).id).not.toBe(record.id);
  });

  it('refuses a range in which there can be nothing', () => {
    expect(() => first({ fromS: nowS - 10, toS: nowS })).toThrow(SelectionError);
    expect(() => first({ toS: nowS - STRIPE_KEEPS_S - 1 })).toThrow(SelectionError);
  });
});

describe('the record of a backfill', () => {
  it('measures by time, and is not set back by what is read again', () => {
    const record = { ...first(), fromS: 1000, toS: 2000 };
    const counts = { taken: 5, duplicates: 2, refused: 1 };
    const half = withPage(record, counts, { id: 'evt_5', created: 1500 });
    expect(progressOf(record)).toBe(0);
    expect(progressOf(half)).toBe(0.5);
    expect(withPage(half, counts, { id: 'evt_3', created: 1300 })).toMatchObject({
      at: { id: 'evt_5' },
      taken: 10,
      pages: 2,
    });
    expect(progressOf({ ...half, state: 'done' })).toBe(1);
    expect(progressOf({ ...half, toS: 1000 })).toBe(0);
  });

  it.each([
    'null',
    '{}',
    'x',
    '[]',
    '"running"',
    JSON.stringify({ ...first(), taken: 'many' }),
    JSON.stringify({ ...first(), at: 5 }),
  ])('is not %s', (text) => {
    expect(readRecord(text)).toBeUndefined();
  });

  it('is read as it was written', () => {
    const record = stopped();
    expect(readRecord(JSON.stringify(record))).toEqual(record);
  });
});
