import type { Command } from 'commander';
import { redactText } from '../kernel/redact.js';
import type { CliContext, ExitCode } from './cli-context.js';
import { type PasswordInput, processPasswordInput } from './password-input.js';
import { perform } from './perform.js';

interface CreateOptions {
  readonly email: string;
  readonly existing?: boolean;
}

/** @param input where a password is read from; tests give their own */
export function addAdminCreateCommand(
  parent: Command,
  context: CliContext,
  finish: (code: ExitCode) => void,
  input: PasswordInput = processPasswordInput,
): void {
  parent
    .command('create')
    .summary('make an administrator, the first one for instance')
    .description(
      'Opens an account that may administer the installation, with a verified address. Asks for its password, or ' +
        'reads it from standard input where that is no terminal; it is never an argument, which others could read.',
    )
    .requiredOption('-e, --email <address>', 'address of the account')
    .option('--existing', 'give the rights to an account that exists and is verified; its password stays')
    .action(perform((options: CreateOptions) => create(options, context, input), finish));
}

async function create(
  { email, existing = false }: CreateOptions,
  { application, output }: CliContext,
  input: PasswordInput,
): Promise<ExitCode> {
  const started = await (await application()).start();
  if ('refusal' in started) {
    output.err(redactText(started.refusal.report()));
    return started.refusal.exitCode;
  }
  const { createAdministrator } = await import('./admin-create.js');
  return await createAdministrator({ email, existing, settings: started.settings, output, input });
}
