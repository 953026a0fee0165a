import { relative } from 'node:path';
import { describe, expect, inject } from 'vitest';
import { findRedisServer } from './redis-binary.js';
import { realServersRequired } from './redis-provision.js';
import { HOW_TO_GET_A_SERVER, recordUnproven } from './unproven.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the server that tests start, or '' when there is none. */
    redisServerBin: string;
    /** A server of somebody else that tests may use and empty, or ''. */
    redisTestUrl: string;
    /** Where `describeReal` records what it left out. */
    unprovenReport: string;
  }
}

/** Whether real servers can be started in this run. */
export function realServersAvailable(): boolean {
  // Undefined in a project without the global set-up: look for ourselves.
  return Boolean((inject('redisServerBin') as string | undefined) ?? findRedisServer());
}

/**
 * `describe` for a suite that starts real servers. Without a server binary the suite is skipped, says so in its title,
 * and is listed in the block at the end of the run: a skip that nobody notices would read as a proof.
 */
export function describeReal(name: string, fn: () => void): void {
  const available = realServersAvailable();
  if (!available) leaveOut(name);
  const register = available ? describe : describe.skip;
  register(available ? name : `${name} (NOT PROVEN: no redis-server found)`, fn);
}

function leaveOut(name: string): void {
  if (realServersRequired(process.env)) {
    throw new Error(['A real redis-server is required:', ...HOW_TO_GET_A_SERVER].join('\n  '));
  }
  const report = inject('unprovenReport') as string | undefined;
  if (report) recordUnproven(report, { file: currentFile(), name });
}

function currentFile(): string {
  const path = expect.getState().testPath;
  return path ? relative(process.cwd(), path) : 'unknown file';
}
