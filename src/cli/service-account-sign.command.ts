import type { Command } from 'commander';
import type { CliContext, ExitCode } from './cli-context.js';
import { perform } from './perform.js';

interface SignOptions {
  readonly account: string;
  readonly tenant: string;
  readonly keyFile: string;
  readonly scopes: string;
  readonly url: string;
  readonly lifetimeMinutes: string;
  readonly send?: boolean;
}

export function addServiceAccountSignCommand(
  parent: Command,
  { output }: CliContext,
  finish: (code: ExitCode) => void,
): void {
  parent
    .command('sign')
    .summary('sign a request for a token')
    .description(
      'Signs a request for a token with the private key of a service account and prints it as one JSON document: ' +
        'method, url, headers, body. It may be sent once, within five minutes. With --send it is sent, and the answer printed.',
    )
    .requiredOption('-a, --account <name>', 'name of the service account')
    .requiredOption('-t, --tenant <id>', 'id of its tenant')
    .requiredOption('-k, --key-file <path>', 'Ed25519 private key, PKCS #8 PEM')
    .requiredOption('-s, --scopes <list>', 'scopes of the token, separated by commas')
    .requiredOption('-u, --url <origin>', 'scheme, host and port of the application')
    .option('-l, --lifetime-minutes <number>', 'how long the token is to hold at most, 1 to 60', '10')
    .option('--send', 'send it, over https or to this machine only')
    .action(
      perform(async ({ scopes, ...options }: SignOptions) => {
        const { signForToken } = await import('./service-account-sign.js');
        const list = scopes.split(',').map((scope) => scope.trim());
        return await signForToken({ ...options, scopes: list, send: options.send ?? false }, output);
      }, finish),
    );
}
