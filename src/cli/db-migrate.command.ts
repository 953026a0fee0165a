import type { Command } from 'commander';
import { EXIT } from '../kernel/errors.js';
import { redactText } from '../kernel/redact.js';
import type { CliContext, ExitCode } from './cli-context.js';
import { perform } from './perform.js';

export function addDbMigrateCommand(
  parent: Command,
  context: CliContext,
  finish: (code: ExitCode) => void,
): void {
  parent
    .command('migrate')
    .summary('bring the database to the state that this version needs')
    .description(
      'Applies the migrations that the database of DATABASE_URL lacks, in one transaction and one process at a time. ' +
        'A start does the same; this is for a role that may change tables while that of the application may not.',
    )
    .action(perform(() => migrate(context), finish));
}

async function migrate({ application, output }: CliContext): Promise<ExitCode> {
  const house = await application();
  const started = await house.start();
  if ('refusal' in started) {
    output.err(redactText(started.refusal.report()));
    return started.refusal.exitCode;
  }
  const { migrateOnce } = await import('../database/index.js');
  const { formatFaults } = await import('../config/index.js');
  const outcome = await migrateOnce(started.settings);
  if ('refusal' in outcome) {
    output.err(redactText(['Nothing was migrated.', ...formatFaults(outcome.refusal.faults)].join('\n')));
    return outcome.refusal.exitCode;
  }
  const { applied, known, address } = outcome;
  const done = applied === 0 ? 'is up to date' : `got ${applied} migration${applied === 1 ? '' : 's'}`;
  output.out(`${address} ${done} (${known} in all).`);
  return EXIT.ok;
}
