import type { BuiltInPurpose } from '../../src/redis/index.js';
import { PURPOSE_NAMES, type Readings } from './observer.js';

/** One harm to one purpose, and what the callers of all purposes saw before and meanwhile. */
export interface Finding {
  readonly affected: BuiltInPurpose;
  /** The harm hits all purposes alike, because they share what is harmed. */
  readonly hitsAll: boolean;
  readonly harm: string;
  readonly baseline: Readings;
  readonly meanwhile: Readings;
}

export function printFindings(title: string, findings: readonly Finding[]): void {
  const header = ['affected', 'how', ...PURPOSE_NAMES, 'control'];
  const rows = findings.map((finding) => [
    finding.hitsAll ? 'all of them' : finding.affected,
    finding.harm,
    ...PURPOSE_NAMES.map((purpose) => (observed(finding).includes(purpose) ? cell(finding, purpose) : '-')),
    cell(finding, 'control'),
  ]);
  const width = (column: number) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0));
  const lines = [header, ...rows].map((row) =>
    row.map((text, column) => text.padEnd(width(column))).join('  '),
  );
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n${verdict(findings)}\n${noise(findings)}\n`);
}

function verdict(findings: readonly Finding[]): string {
  const pairs = findings.flatMap((finding) => observed(finding).map((purpose) => ({ finding, purpose })));
  const missed = pairs.filter(({ finding, purpose }) => !unnoticed(finding, purpose));
  const machine = missed.filter(({ finding }) => !unnoticed(finding, 'control')).length;
  const excuse = machine === 0 ? '' : `; of the others ${machine} while the control noticed something, too`;
  return (
    `Unnoticed (0 errors, p99 below 1.5 x baseline + 10 ms): ` +
    `${pairs.length - missed.length} of ${pairs.length} pairs${excuse}.`
  );
}

function noise(findings: readonly Finding[]): string {
  const baselines = findings.flatMap(({ baseline }) => Object.values(baseline));
  const range = (values: readonly number[]) => `${ms(Math.min(...values))} to ${ms(Math.max(...values))} ms`;
  return (
    `Noise of the machine: the ${baselines.length} baselines have a p50 of ${range(baselines.map(({ p50 }) => p50))} ` +
    `and a p99 of ${range(baselines.map(({ p99 }) => p99))}.`
  );
}

/** Another purpose does not notice: no error, and a p99 of half as much again and 10 ms at most. */
function unnoticed({ baseline, meanwhile }: Finding, name: keyof Readings): boolean {
  return meanwhile[name].errors === 0 && meanwhile[name].p99 < 1.5 * baseline[name].p99 + 10;
}

function observed({ affected, hitsAll }: Finding): BuiltInPurpose[] {
  return PURPOSE_NAMES.filter((purpose) => hitsAll || purpose !== affected);
}

/** Errors, p50 and p99 meanwhile, p99 of the baseline; a mark where it was noticed. */
function cell(finding: Finding, name: keyof Readings): string {
  const { errors, calls, p50, p99 } = finding.meanwhile[name];
  const failed = errors === 0 ? '0' : `${((100 * errors) / calls).toFixed(1)}%`;
  const mark = unnoticed(finding, name) ? '' : ' !';
  return `${failed} ${ms(p50)}/${ms(p99)} (${ms(finding.baseline[name].p99)})${mark}`;
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
