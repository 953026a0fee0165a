import type { Command } from 'commander';
import { EXIT } from '../kernel/errors.js';
import { redactText } from '../kernel/redact.js';
import type { CliContext, ExitCode } from './cli-context.js';
import { assertPurpose } from './known-purpose.js';
import { perform } from './perform.js';

interface CheckOptions {
  readonly purpose?: string;
  readonly json?: boolean;
}

export function addRedisCheckCommand(
  parent: Command,
  context: CliContext,
  finish: (code: ExitCode) => void,
): void {
  parent
    .command('check')
    .summary('connect as the application would, and prove what it relies on')
    .description(
      'Connects to the server of every active purpose as the application would, proves what it relies on, ' +
        'and asks whether anybody is let in without a password. Ends within REDIS_START_DEADLINE_MS and 2 seconds.',
    )
    .option('-p, --purpose <name>', 'check this purpose only; what it shares is then not compared')
    .option('--json', 'print one JSON document')
    .action(perform((options: CheckOptions) => check(options, context), finish));
}

async function check(
  { purpose, json }: CheckOptions,
  { application, output }: CliContext,
): Promise<ExitCode> {
  const house = await application();
  const { activePurposes, checkRedis, purposeTable } = await import('../redis/index.js');
  assertPurpose(purpose, purposeTable(await house.modules()));
  const started = await house.start();
  if ('refusal' in started) {
    const { exitCode, faults } = started.refusal;
    if (json) output.out(JSON.stringify({ exitCode, faults, purposes: [] }, null, 2));
    else output.err(redactText(started.refusal.report()));
    return exitCode;
  }
  const { modules, settings } = started;
  const findings = await checkRedis({ modules, settings, ...(purpose === undefined ? {} : { purpose }) });
  const { checkDocument, checkText } = await import('./check-report.js');
  const active = activePurposes(modules, settings);
  const inactive = Object.keys(purposeTable(modules)).filter(
    (name) => !active.includes(name) && name === (purpose ?? name),
  );
  const exitCode = exitCodeOf(findings);
  const report = { profile: settings.profile, exitCode, findings, inactive };
  output.out(json ? JSON.stringify(checkDocument(report), null, 2) : checkText(report));
  return exitCode;
}

function exitCodeOf(findings: readonly { outcome: string }[]): ExitCode {
  if (findings.some(({ outcome }) => outcome === 'misconfigured')) return EXIT.config;
  return findings.some(({ outcome }) => outcome === 'unreachable') ? EXIT.unavailable : EXIT.ok;
}
