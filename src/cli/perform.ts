import type { Command } from 'commander';
import { EXIT } from '../kernel/errors.js';
import { type ExitCode, UsageError } from './cli-context.js';

/** Makes an action of a command's work: its code is handed on, a UsageError is shown with the usage. */
export function perform<Options>(
  work: (options: Options) => Promise<ExitCode>,
  finish: (code: ExitCode) => void,
): (options: Options, command: Command) => Promise<void> {
  return async (options, command) => {
    try {
      finish(await work(options));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      command.error(`error: ${error.message}`, { exitCode: EXIT.usage });
    }
  };
}
