import { describe, expect, it } from 'vitest';
import type { BackfillRecord } from '../../billing/ops/backfill/backfill-record.js';
import { progressLine } from './backfill-progress.js';

const began: BackfillRecord = {
  id: 'x',
  state: 'running',
  fromS: 0,
  toS: 1000,
  continuous: true,
  pages: 0,
  taken: 0,
  duplicates: 0,
  refused: 0,
  refusedIds: [],
  owner: 'host:1',
  startedMs: 0,
  updatedMs: 0,
};
const at = (created: number, counts: Partial<BackfillRecord> = {}) => ({
  ...began,
  at: { id: 'evt_1', created },
  ...counts,
});

describe('the bar of a backfill', () => {
  it('shows share, rate, time left and what became of the events', () => {
    const record = at(250, { taken: 90, duplicates: 9, refused: 1 });
    expect(progressLine({ record, began, elapsedMs: 10_000 })).toBe(
      '[######------------------]  25.0 %  10/s  30 s left  90 new  9 known  1 refused',
    );
  });

  it('counts what this process has done, not what was done before it', () => {
    const record = at(750, { taken: 400 });
    const line = progressLine({ record, began: at(500, { taken: 300 }), elapsedMs: 100_000 });
    expect(line).toBe('[##################------]  75.0 %  1/s  1 min 40 s left  400 new  0 known');
  });

  it('does not guess before anything was done', () => {
    expect(progressLine({ record: began, began, elapsedMs: 0 })).toContain('0.0 %  0/s  time left unknown');
    expect(progressLine({ record: { ...began, state: 'done' }, began, elapsedMs: 1 })).toContain(
      '100.0 %  0/s  done',
    );
  });
});
