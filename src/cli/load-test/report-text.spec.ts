import { describe, expect, it } from 'vitest';
import { clientsFor } from './clients.js';
import { type CapacityDocument, type LoadReport, notesOf, settingsDocument } from './report.js';
import { reportText } from './report-text.js';
import { DEFAULTS, readOptions } from './options.js';
import { type StepDocument, stepDocument } from './step-document.js';
import { Tally } from './tally.js';

const plan = readOptions({ ...DEFAULTS, target: '10x' });

function step(ratePerSecond: number, { many = true, latencyMs = 4, startDelayMs = 1 } = {}): StepDocument {
  const tally = new Tally();
  for (let n = 0; n < 100; n += 1) {
    tally.record({ status: 200 }, latencyMs);
    tally.startDelay.record(startDelayMs);
  }
  const clients = clientsFor(ratePerSecond, 300, many);
  const result = {
    step: { path: '/v1/isolation', ratePerSecond, durationSeconds: 10, clients },
    tally,
    decisions: { byBackend: { redis: 100 } },
    elapsedSeconds: 10,
    aborted: false,
  };
  return stepDocument(result, plan.thresholds);
}

function report(changes: Partial<LoadReport> = {}): LoadReport {
  return {
    version: '1.2.3',
    startedAt: '2026-01-01T00:00:00.000Z',
    settings: settingsDocument(plan),
    target: { kind: 'own', origin: 'http://127.0.0.1:1', profile: 'development', engine: 'redis' },
    machine: {
      cpus: 2,
      cpuModel: 'A processor',
      memoryBytes: 8 * 2 ** 30,
      platform: 'linux 6.1',
      node: 'v20.0.0',
      loadBefore: 0.1,
      loadAfter: 0.25,
    },
    steps: [step(1000 / 60)],
    notes: [],
    passed: true,
    exitCode: 0,
    ...changes,
  };
}

describe('The report for people', () => {
  it('says what was driven, on what, what was held against what, and by which machine', () => {
    expect(reportText(report()).split('\n')).toEqual([
      'Load test of http://127.0.0.1:1/v1/isolation (the built application, started for this; profile development, limits on a Redis server)',
      '16.7 requests/s for 10 s from 5 addresses, 200 a minute each of 300 allowed',
      '',
      'THRESHOLD         LIMIT     MEASURED  VERDICT',
      'p95               < 120 ms  4 ms      PASS',
      '5xx or no answer  < 1 %     0 %       PASS',
      '429               < 0.5 %   0 %       PASS',
      'any other status  none      0 %       PASS',
      'decided by Redis  100 %     100 %     PASS',
      '',
      'requests    100 in 10.0 s; 200: 100',
      'latency ms  p50 4.0  p90 4.0  p95 4.0  p99 4.0  max 4.0  (from the planned start, 429 left out)',
      'driver ms   p50 1.0  p90 1.0  p95 1.0  p99 1.0  max 1.0  (how late it started requests by itself)',
      'driven from 2 x A processor, 8.0 GiB, linux 6.1, Node v20.0.0; load 0.10 before, 0.25 after',
      '',
      'PASSED: every threshold holds.',
    ]);
  });

  it('says that an embedded engine is no Redis, and that a deployment is somebody else’s', () => {
    const { target } = report();
    expect(reportText(report({ target: { ...target, engine: 'embedded' } }))).toContain('EMBEDDED engine');
    expect(reportText(report({ target: { ...target, engine: 'inactive' } }))).toContain('no Redis');
    expect(reportText(report({ target: { kind: 'url', origin: 'https://h:443' } }))).toContain(
      'https://h:443/v1/isolation (a running deployment)',
    );
  });

  it('does not call held what nobody could see, and names what was missed', () => {
    const unseen = { ...step(1000 / 60, { many: false }) };
    const verdicts = unseen.verdicts.map((verdict) =>
      verdict.threshold === 'backend' ? { ...verdict, outcome: 'not-provable' as const } : verdict,
    );
    const steps = [{ ...unseen, verdicts }];
    const lastLine = (changes: Partial<LoadReport>) => reportText(report(changes)).split('\n').at(-1);
    expect(lastLine({ steps })).toBe('PASSED, but not provable: decided by Redis; not judged: 429.');
    expect(lastLine({ steps: [step(10, { latencyMs: 200 })], passed: false })).toBe('FAILED: missed p95.');
  });

  it('has a row for each step of a search, and one sentence with the result', () => {
    const steps = [step(2), step(3, { latencyMs: 200 })];
    const capacity: CapacityDocument = {
      lastGoodPerSecond: 2,
      brokenPerSecond: 3,
      broke: ['p95'],
      endedBy: 'threshold',
    };
    const text = reportText(report({ steps, capacity }));
    expect(text).toMatch(/^2\.0 +1 +100 +4\.0 +4\.0 +4\.0 +0\.00 +0\.00 +-$/m);
    expect(text).toMatch(/^3\.0 +1 +100 +200\.0 .* p95$/m);
    expect(text).toContain('No threshold was missed up to 2.0 requests/s; at 3.0 broke: p95.');
    const unbroken = { ...capacity, brokenPerSecond: null, broke: [], endedBy: 'max-rate' } as const;
    expect(reportText(report({ steps, capacity: unbroken }))).toContain('--max-rate ended the search');
  });
});

describe('The notes of a report', () => {
  it('are none where nothing has to be known', () => {
    expect(notesOf([step(2000)])).toEqual([]);
  });

  it('say which rate is inside the limit where one address sent more', () => {
    expect(notesOf([step(1000 / 60, { many: false })])).toEqual([
      'All requests came from one address: up to 300 a minute are inside the limit; 429 above that is expected and not judged.',
    ]);
  });

  it('say when the driver was a part of what it measured', () => {
    expect(notesOf([step(10), step(15, { startDelayMs: 80 })])).toEqual([
      expect.stringContaining('started requests up to 80 ms late (p99)'),
    ]);
  });
});
