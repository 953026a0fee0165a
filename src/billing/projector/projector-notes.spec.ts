import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { CompartmentNotes } from '../../telemetry/index.js';
import type { BacklogDepth, BillingBacklog } from './billing-backlog.js';
import { ProjectorNotes } from './projector-notes.js';
import type { Projector } from './projector.js';
import { ProjectorSettings } from './projector.config.js';

afterEach(() => Logger.overrideLogger(false));

function rig() {
  const lines: string[] = [];
  const keep = (text: string) => void lines.push(text);
  Logger.overrideLogger({ log: keep, warn: keep, error: keep });
  const notes = new CompartmentNotes();
  const projector = { waitsForSql: false };
  let read: (depth: BacklogDepth) => void = () => undefined;
  const backlog = { onReading: (listener: typeof read) => void (read = listener) };
  const settings = Object.assign(new ProjectorSettings(), { warnEntries: 100, warnAgeMs: 5000 });
  const made = new ProjectorNotes(settings, backlog as BillingBacklog, projector as Projector, notes);
  return {
    made,
    lines,
    projector,
    read: (entries: number, oldestAgeMs: number) => read({ entries, oldestAgeMs }),
    note: () => notes.of('billingEvents'),
  };
}

describe('what readiness is told of the projector', () => {
  it.each([
    [100, 5000, undefined],
    [101, 0, 'projector-backlog'],
    [1, 5001, 'projector-backlog'],
  ])('with %i entries, the oldest %i ms old, it is %s', (entries, ageMs, expected) => {
    const { read, note } = rig();
    read(entries, ageMs);
    expect(note()).toBe(expected);
  });

  it('is said once when it begins and once when it ends', () => {
    const { read, note, lines } = rig();
    for (const entries of [0, 500, 600, 700, 20, 10]) read(entries, 0);
    expect(lines).toEqual([expect.stringMatching(/is behind/), expect.stringMatching(/caught up/)]);
    expect(note()).toBeUndefined();
  });

  it('is that it waits for SQL, before that its backlog grows', () => {
    const { read, note, projector } = rig();
    read(500, 0);
    projector.waitsForSql = true;
    expect(note()).toBe('projector-waits-for-sql');
    projector.waitsForSql = false;
    expect(note()).toBe('projector-backlog');
  });
});
