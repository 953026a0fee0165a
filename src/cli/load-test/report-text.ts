import { alignColumns } from '../table.js';
import { type Verdict, missed } from './judgement.js';
import type { CapacityDocument, LoadReport } from './report.js';
import type { Percentiles, StepDocument } from './step-document.js';

const NAMES: Readonly<Record<Verdict['threshold'], string>> = {
  p95: 'p95',
  '5xx': '5xx or no answer',
  '429': '429',
  other: 'any other status',
  backend: 'decided by Redis',
};

/** The result for people: what was driven, the table, what was measured, the verdict. */
export function reportText(report: LoadReport): string {
  const [step] = report.steps;
  const body = report.capacity ? capacityLines(report.steps, report.capacity) : step ? runLines(step) : [];
  return [
    `Load test of ${report.target.origin}${report.settings.path} (${placeText(report.target)})`,
    ...body,
    machineLine(report),
    ...report.notes.map((note) => `note: ${note}`),
    '',
    verdictLine(report),
  ].join('\n');
}

const ENGINES: Readonly<Record<string, string>> = {
  redis: 'a Redis server',
  embedded: 'an EMBEDDED engine and no Redis',
  inactive: 'no Redis, since the purpose rateLimit is inactive',
  unknown: 'what it does not tell',
};

function placeText({ kind, profile = 'unknown', engine = 'unknown' }: LoadReport['target']): string {
  if (kind === 'url') return 'a running deployment';
  return `the built application, started for this; profile ${profile}, limits on ${ENGINES[engine]}`;
}

function runLines(step: StepDocument): string[] {
  const { counts, elapsedSeconds, statuses, failures } = step;
  const answers = Object.entries({ ...statuses, ...failures }).map(([what, count]) => `${what}: ${count}`);
  return [
    loadLine(step),
    '',
    ...alignColumns([
      ['THRESHOLD', 'LIMIT', 'MEASURED', 'VERDICT', ''],
      ...step.verdicts.map((verdict) => [
        NAMES[verdict.threshold],
        limitText(verdict),
        measuredText(verdict),
        verdict.outcome.replace('-', ' ').toUpperCase(),
        verdict.why ?? '',
      ]),
    ]),
    '',
    `requests    ${counts.requests} in ${elapsedSeconds.toFixed(1)} s; ${answers.join(', ')}`,
    `latency ms  ${percentilesText(step.latencyMs)}  (from the planned start, 429 left out)`,
    `driver ms   ${percentilesText(step.startDelayMs)}  (how late it started requests by itself)`,
  ];
}

function loadLine({ ratePerSecond, durationSeconds, clients }: StepDocument): string {
  const { count, perMinuteEach, limitPerMinute } = clients;
  return (
    `${rate(ratePerSecond)} requests/s for ${durationSeconds} s from ${count} ` +
    `${count === 1 ? 'address' : 'addresses'}, ${Math.round(perMinuteEach)} a minute each of ${limitPerMinute} allowed`
  );
}

function capacityLines(steps: readonly StepDocument[], capacity: CapacityDocument): string[] {
  return [
    '',
    ...alignColumns([
      ['REQUESTS/S', 'ADDRESSES', 'REQUESTS', 'P50 MS', 'P95 MS', 'P99 MS', '5XX %', '429 %', 'MISSED'],
      ...steps.map(capacityRow),
    ]),
    '',
    capacityLine(capacity),
  ];
}

function capacityRow({ ratePerSecond, clients, counts, latencyMs, verdicts }: StepDocument): string[] {
  const percent = (name: Verdict['threshold']) =>
    (verdicts.find(({ threshold }) => threshold === name)?.measured ?? 0).toFixed(2);
  const bad = verdicts.filter(({ outcome }) => outcome === 'fail' || outcome === 'not-provable');
  return [
    rate(ratePerSecond),
    String(clients.count),
    String(counts.requests),
    ms(latencyMs.p50),
    ms(latencyMs.p95),
    ms(latencyMs.p99),
    percent('5xx'),
    percent('429'),
    bad.map(missedText).join('; ') || '-',
  ];
}

function missedText({ threshold, outcome, why }: Verdict): string {
  const mark = outcome === 'not-provable' ? ' (not provable)' : '';
  return `${NAMES[threshold]}${mark}${why === undefined ? '' : `: ${why}`}`;
}

function capacityLine({ lastGoodPerSecond, brokenPerSecond, broke, endedBy }: CapacityDocument): string {
  const good =
    lastGoodPerSecond === null
      ? 'No step was without a miss'
      : `No threshold was missed up to ${rate(lastGoodPerSecond)} requests/s`;
  if (brokenPerSecond !== null)
    return `${good}; at ${rate(brokenPerSecond)} broke: ${broke.map((name) => NAMES[name]).join(', ')}.`;
  const end = endedBy === 'max-rate' ? '--max-rate' : 'the bound on requests and time';
  return `${good}; ${end} ended the search before anything broke.`;
}

function limitText({ threshold, unit, limit }: Verdict): string {
  if (threshold === 'other') return 'none';
  return threshold === 'backend' ? `${limit} %` : `< ${limit} ${unit}`;
}

function measuredText({ unit, measured }: Verdict): string {
  return measured === null ? '-' : `${Number(measured.toFixed(2))} ${unit}`;
}

function percentilesText(percentiles: Percentiles): string {
  return Object.entries(percentiles)
    .map(([name, value]) => `${name} ${ms(value)}`)
    .join('  ');
}

function machineLine({ machine }: LoadReport): string {
  const { cpus, cpuModel, memoryBytes, platform, node, loadBefore, loadAfter } = machine;
  return (
    `driven from ${cpus} x ${cpuModel}, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB, ${platform}, Node ${node}; ` +
    `load ${loadBefore.toFixed(2)} before, ${loadAfter.toFixed(2)} after`
  );
}

function verdictLine({ passed, capacity, settings, steps }: LoadReport): string {
  const first = `${rate(settings.ratePerSecond)} requests/s`;
  if (capacity) return passed ? `PASSED: the baseline, ${first}, holds.` : `FAILED: not even ${first} holds.`;
  const verdicts = steps[0]?.verdicts ?? [];
  const { strict } = settings.thresholds;
  if (!passed) return `FAILED: missed ${namesOf(missed(verdicts, strict))}.`;
  const open = (['not-provable', 'not-judged'] as const).flatMap((outcome) => {
    const some = verdicts.filter((verdict) => verdict.outcome === outcome);
    return some.length === 0 ? [] : [`${outcome.replace('-', ' ')}: ${namesOf(some)}`];
  });
  // What nobody could see has not held.
  return open.length === 0 ? 'PASSED: every threshold holds.' : `PASSED, but ${open.join('; ')}.`;
}

function namesOf(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ threshold }) => NAMES[threshold]).join(', ');
}

function rate(perSecond: number): string {
  return perSecond.toFixed(1);
}

function ms(value: number | null): string {
  return value === null ? '-' : value.toFixed(1);
}
