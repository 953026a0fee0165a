import type { Command } from 'commander';
import { redactText } from '../kernel/redact.js';
import type { CliContext, ExitCode } from './cli-context.js';
import { perform } from './perform.js';

interface RevokeOptions {
  readonly email: string;
}

export function addAdminRevokeCommand(
  parent: Command,
  context: CliContext,
  finish: (code: ExitCode) => void,
): void {
  parent
    .command('revoke')
    .summary('take the rights of an administrator back')
    .description(
      'Takes the rights to administer the installation from an account, which stays, with its password. Nothing that it ' +
        'gets from now on has them, and its sessions end: at the latest five minutes later, when instances have asked SQL.',
    )
    .requiredOption('-e, --email <address>', 'address of the account')
    .action(perform((options: RevokeOptions) => revoke(options, context), finish));
}

async function revoke({ email }: RevokeOptions, { application, output }: CliContext): Promise<ExitCode> {
  const started = await (await application()).start();
  if ('refusal' in started) {
    output.err(redactText(started.refusal.report()));
    return started.refusal.exitCode;
  }
  const { revokeAdministrator } = await import('./admin-revoke.js');
  return await revokeAdministrator({ email, settings: started.settings, output });
}
