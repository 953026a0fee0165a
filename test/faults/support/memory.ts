import { readFileSync } from 'node:fs';
import type { RunningApplication } from '../../support/application.js';
import { waitFor } from '../../support/wait-for.js';

/** Resident memory of a process, as the kernel counts it. Linux only. */
export function residentBytes(pid: number | undefined): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

const COLLECTED = 'garbage collected';

/** Node runs it before the application. Pages that one collection freed are given back by the next. */
const PRELUDE = `
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
process.on('SIGUSR2', () => {
  for (let turn = 0; turn < 4; turn += 1) gc();
  process.stdout.write('${COLLECTED}\\n');
});`;

/** Arguments of Node with which an application collects its garbage when it is asked to. */
export const COLLECTS_ON_DEMAND = ['--import', `data:text/javascript,${encodeURIComponent(PRELUDE)}`];

/**
 * What the application holds: its resident memory after its garbage was collected. What V8 has not collected yet
 * depends on the machine and is no leak.
 *
 * @param app started with {@link COLLECTS_ON_DEMAND}
 */
export async function heldBytes(app: RunningApplication): Promise<number> {
  const times = () => app.output().split(COLLECTED).length;
  const before = times();
  app.process.kill('SIGUSR2');
  await waitFor(() => times() > before, { what: 'the garbage to be collected', timeoutMs: 10_000 });
  return residentBytes(app.process.pid);
}
