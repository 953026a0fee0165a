import { EXIT } from '../kernel/errors.js';

/** What Node ends with when nothing is left that could settle what the entry file awaits. */
const UNSETTLED = 13;

/** A command that came to no result says so, and ends with the code of a mistake of this program. */
export function reportNoResult(): void {
  process.once('exit', () => {
    // Not what is handed in: Node judges this after it has begun to end.
    if (process.exitCode !== UNSETTLED) return;
    process.stderr.write(
      'The command ended without a result: it waited for something that could no longer come. What it did so far is ' +
        'unknown. This is a mistake of this program; please report it with the command.\n',
    );
    process.exitCode = EXIT.software;
  });
}
