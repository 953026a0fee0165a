import type { Command } from 'commander';
import type { CliContext, ExitCode } from './cli-context.js';
import { perform } from './perform.js';

export interface SendOptions {
  readonly type: string;
  readonly tenant: string;
  readonly url?: string;
}

export function addBillingSendCommand(
  parent: Command,
  context: CliContext,
  finish: (code: ExitCode) => void,
): void {
  parent
    .command('send')
    .summary('sign a sample event and post it to a running application')
    .description(
      'Makes an event up, signs it as Stripe would with STRIPE_WEBHOOK_SECRET (its first secret, from the environment, ' +
        'a .env file or a _FILE; or that of a demo which was started in this folder), and posts it to the webhook. Ends with 0 ' +
        'when the event was taken in.',
    )
    .option('-t, --type <type>', 'what happens, such as invoice.paid', 'invoice.paid')
    .requiredOption(
      '--tenant <tenant>',
      'id of a tenant, which is written on the event; or a name, whose customer is cus_<name>',
    )
    .option(
      '--url <origin>',
      'where the application listens; unset: this machine, at the PORT of the settings',
    )
    .action(
      perform(async (options: SendOptions) => {
        const { sendSample } = await import('./billing-send.js');
        return await sendSample(options, context);
      }, finish),
    );
}
