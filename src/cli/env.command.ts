import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT } from '../kernel/errors.js';
import { type CliContext, type ExitCode, UsageError } from './cli-context.js';
import { perform } from './perform.js';

interface EnvOptions {
  readonly check?: string;
}

export function addEnvCommand(parent: Command, context: CliContext, finish: (code: ExitCode) => void): void {
  parent
    .command('env')
    .summary('print a template of all settings, or judge a file')
    .description(
      'Prints every variable that the application reads, as a .env file. With --check it judges a file as a start with it ' +
        'would, variables of this process included, which win over its lines, and prints all faults in one list; nothing connects.',
    )
    .option('--check <file>', 'judge this dotenv file')
    .action(
      perform(
        ({ check }: EnvOptions) => (check === undefined ? print(context) : judgeFile(check, context)),
        finish,
      ),
    );
}

async function print({ application, output }: CliContext): Promise<ExitCode> {
  const house = await application();
  const { variableGroups } = await import('./environment-variables.js');
  const { envTemplate } = await import('./env-template.js');
  output.out(envTemplate(variableGroups(await house.modules())).trimEnd());
  return EXIT.ok;
}

async function judgeFile(file: string, { application, environment, output }: CliContext): Promise<ExitCode> {
  const text = readText(file);
  const house = await application();
  const { formatFaults } = await import('../config/index.js');
  const { checkEnvironment } = await import('./env-check.js');
  const verdictOf = checkEnvironment(await house.modules(), text, environment);
  const { profile, faults, warnings, ofProcess } = verdictOf;
  const verdict =
    faults.length === 0 ? 'no fault' : `${faults.length} fault${faults.length === 1 ? '' : 's'}`;
  output.out(
    [
      `${file}: ${verdict} (profile ${profile})`,
      ...(ofProcess.length === 0
        ? []
        : [`  of this process, which wins over the file: ${ofProcess.join(', ')}`]),
      ...formatFaults(faults),
      ...warnings.map((warning) => `  warning: ${warning}`),
    ].join('\n'),
  );
  return faults.length === 0 ? EXIT.ok : EXIT.config;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown cause'})`,
    );
  }
}
