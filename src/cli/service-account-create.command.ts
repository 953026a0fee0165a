import type { Command } from 'commander';
import { redactText } from '../kernel/redact.js';
import type { CliContext, ExitCode } from './cli-context.js';
import { perform } from './perform.js';

interface CreateOptions {
  readonly name: string;
  readonly tenant: string;
  readonly scopes: string;
  readonly publicKeyFile?: string;
}

export function addServiceAccountCreateCommand(
  parent: Command,
  context: CliContext,
  finish: (code: ExitCode) => void,
): void {
  parent
    .command('create')
    .summary('open a service account')
    .description(
      'Opens a service account of a tenant, with the public key that its requests are verified with; without one they are ' +
        'signed in Vault. Its first request may be refused with replay-state-lost, and Retry-After says when to sign anew.',
    )
    .requiredOption('-n, --name <name>', 'what its requests call it: lower-case letters, digits and hyphens')
    .requiredOption('-t, --tenant <id>', 'id of the tenant that it acts for')
    .requiredOption('-s, --scopes <list>', 'scopes that it may ask for, separated by commas')
    .option('-k, --public-key-file <path>', 'Ed25519 public key, SPKI PEM')
    .action(perform((options: CreateOptions) => create(options, context), finish));
}

async function create(
  { name, tenant, scopes, publicKeyFile }: CreateOptions,
  { application, output }: CliContext,
): Promise<ExitCode> {
  const { createServiceAccount, publicKeyIn } = await import('./service-account-create.js');
  const publicKey = publicKeyFile === undefined ? undefined : publicKeyIn(publicKeyFile);
  const started = await (await application()).start();
  if ('refusal' in started) {
    output.err(redactText(started.refusal.report()));
    return started.refusal.exitCode;
  }
  const list = scopes.split(',').map((scope) => scope.trim());
  const account = { name, tenantId: tenant, scopes: list, publicKey };
  return await createServiceAccount(account, started.settings, output);
}
