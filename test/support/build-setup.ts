import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../scripts/build-if-needed.mjs', import.meta.url));

/** Builds the application if the build is older than the sources: once, since two builds at a time would race. */
export default function setup(): void {
  const state = globalThis as { [BUILT]?: boolean };
  if (state[BUILT]) return;
  execFileSync(process.execPath, [script], { stdio: 'inherit' });
  state[BUILT] = true;
}

/** Several projects of one run name this file; the process is the same. */
const BUILT = Symbol.for('bulkhead.test.built');
