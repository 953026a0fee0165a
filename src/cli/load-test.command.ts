import type { Command } from 'commander';
import type { CliContext, ExitCode } from './cli-context.js';
import { DEFAULTS, type RawOptions, readOptions } from './load-test/options.js';
import { perform } from './perform.js';

export function addLoadTestCommand(
  parent: Command,
  context: CliContext,
  finish: (code: ExitCode) => void,
): void {
  parent
    .command('load-test')
    .summary('drive the application as before a rollout, and judge it')
    .description(
      'Sends requests at a multiple of the soft-launch rate, started by the clock whatever the answers do, and ' +
        'judges p95, 5xx, 429 inside the limits, and that Redis decided every one. Without --url it starts the built ' +
        'application by itself, on loopback, and stops it again. Ends with 1 when a threshold is missed; with ' +
        '--find-capacity, when not even the baseline holds.',
    )
    .option(
      '--target <multiple>',
      `hold this multiple of the baseline, such as 5x; ${DEFAULTS.target} unless told`,
    )
    .option(
      '--find-capacity',
      'raise the rate by half from the baseline up, step by step, until a threshold breaks',
    )
    .option(
      '--duration <seconds>',
      `how long, up to an hour; ${DEFAULTS.durationSeconds} unless told, or ${DEFAULTS.stepSeconds} for each step`,
    )
    .option('--baseline <number>', 'soft-launch rate, requests per minute', DEFAULTS.baseline)
    .option('--max-rate <number>', 'never exceed these requests per second', DEFAULTS.maxRate)
    .option(
      '--url <url>',
      'drive this deployment, from one address; OPS_TOKEN of the environment is sent to it',
    )
    .option('--path <path>', 'what to ask for', DEFAULTS.path)
    .option('--max-p95-ms <number>', 'p95 must stay below this', DEFAULTS.maxP95Ms)
    .option(
      '--max-5xx-percent <number>',
      '5xx and missing answers must stay below this',
      DEFAULTS.max5xxPercent,
    )
    .option(
      '--max-429-percent <number>',
      '429 inside the limits must stay below this',
      DEFAULTS.max429Percent,
    )
    .option('--strict', 'what cannot be proven, because /metrics cannot be read, is missed')
    .option('--json <file>', 'write the whole result to this file')
    .action(
      perform(async (options: RawOptions) => {
        const plan = readOptions(options);
        return (await import('./load-test/conduct.js')).conduct(plan, context);
      }, finish),
    );
}
