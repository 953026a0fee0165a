import { CommanderError } from 'commander';
import { EXIT } from '../kernel/errors.js';
import { redactText } from '../kernel/redact.js';
import type { CliContext, ExitCode } from './cli-context.js';
import { createProgram } from './program.js';

/**
 * Runs one command line.
 *
 * @param words what stands behind the program's name
 * @returns the code to exit with; nothing here ends the process
 */
export async function runCli(words: readonly string[], context: CliContext): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = createProgram(context, (finished) => {
    code = finished;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    // The library has shown message and usage by now; its own codes only tell help from mistakes.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    context.output.err(redactText(text));
    return EXIT.software;
  }
}
