// @ts-check
/**
 * Faults at random against core and application (test/faults/random.soak.ts):
 *   npm run soak -- --minutes 10 [--seed 1]
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = 'usage: npm run soak -- [--minutes <n>] [--seed <integer>]\n';

/** @param {string} text @param {(value: number) => boolean} good */
function number(text, good) {
  const value = Number(text);
  if (text.trim() !== '' && good(value)) return String(value);
  process.stderr.write(`"${text}" is not what it takes\n${USAGE}`);
  process.exit(64);
}

function options() {
  try {
    const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
    return values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(64);
  }
}

const { minutes = '10', seed } = options();
const env = {
  ...process.env,
  SOAK_MINUTES: number(minutes, (value) => value > 0),
  ...(seed === undefined ? {} : { SOAK_SEED: number(seed, Number.isInteger) }),
};
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const run = spawn(process.execPath, [vitest, 'run', '--mode', 'soak', '--project', 'soak'], {
  env,
  stdio: 'inherit',
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => run.kill(signal));
run.on('exit', (code) => process.exit(code ?? 70));
