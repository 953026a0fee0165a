import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { find } from '../test/support/redis-binary.js';

/** Redis, and what makes the load. */
export const SERVER_CORE = 0;
/** What is measured. */
export const MEASURED_CORE = 1;

const taskset = process.platform === 'linux' && cpus().length > 1 ? find('taskset') : undefined;

/** How processes are kept apart, as a sentence for the head of a report. */
export function pinning(): string {
  return taskset
    ? `Redis and load on core ${SERVER_CORE}, what is measured on core ${MEASURED_CORE}.`
    : 'Not pinned to cores: that takes taskset (util-linux) and two cores.';
}

/** Keeps all threads of a process on one core, where that can be done. */
export function pin(pid: number, core: number): void {
  if (taskset) execFileSync(taskset, ['-acp', String(core), String(pid)], { stdio: 'ignore' });
}

/** The command line that runs `command` on one core. */
export function pinnedCommand(core: number, command: string, args: readonly string[]): [string, string[]] {
  return taskset ? [taskset, ['-c', String(core), command, ...args]] : [command, [...args]];
}

/** Lets this process run anywhere again. */
export function unpin(pid: number): void {
  if (taskset) execFileSync(taskset, ['-acp', `0-${cpus().length - 1}`, String(pid)], { stdio: 'ignore' });
}

/**
 * CPU time of a process so far, microseconds, all threads. From the scheduler, to the nanosecond; /proc/<pid>/stat
 * counts in hundredths of a second, which is a third of a microsecond per request in a round of one second.
 */
export function cpuUsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ns = threads.map((thread) => {
    const [running = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    return Number(running);
  });
  return ns.reduce((sum, one) => sum + one, 0) / 1000;
}

export function load(): string {
  return loadavg()
    .map((average) => average.toFixed(2))
    .join(' ');
}
