import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { removeTemporaryDirectory, temporaryDirectory } from './clean-up.js';
import { PostgresBroker } from './postgres-broker.js';
import { providePostgres } from './postgres-provision.js';
import { provisionRedisServer, realServersRequired, thisMachine } from './redis-provision.js';
import { checkRedisTestUrl } from './redis-test-url.js';
import { HOW_TO_GET_A_SERVER, readUnproven, unprovenBlock } from './unproven.js';
import type {} from './postgres.js';
import type {} from './redis-availability.js';

interface Run {
  redisServerBin: string;
  redisTestUrl: string;
  reportDir: string;
  postgres: PostgresBroker;
}

interface SharedState {
  run?: Promise<Run>;
  users: number;
}

/**
 * Several projects of one run name this file and each loads a copy of its own, but the question must be asked and the
 * report printed once: the state is on the process.
 */
const KEY = Symbol.for('bulkhead.test.global-setup');
const registry = globalThis as { [KEY]?: SharedState };

/** Finds, installs or does without a real server (in that order), and tells the tests; see redis-provision.ts. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const state = (registry[KEY] ??= { users: 0 });
  state.users += 1;
  state.run ??= prepare();
  const run = await state.run;
  project.provide('redisServerBin', run.redisServerBin);
  project.provide('redisTestUrl', run.redisTestUrl);
  project.provide('unprovenReport', reportFile(run));
  project.provide('postgresBroker', run.postgres.path);

  return async () => {
    state.users -= 1;
    if (state.users > 0) return;
    delete registry[KEY];
    const block = unprovenBlock(readUnproven(reportFile(run)));
    if (block) console.error(block);
    removeTemporaryDirectory(run.reportDir);
    await run.postgres.stop();
  };
}

async function prepare(): Promise<Run> {
  const machine = thisMachine();
  const redisTestUrl = (await checkRedisTestUrl(machine.env)) ?? '';
  const redisServerBin = (await provisionRedisServer(machine, (line) => console.log(line))) ?? '';
  if (!redisServerBin && realServersRequired(machine.env)) {
    throw new Error(
      [
        'No redis-server found, and CI=true or REQUIRE_REAL_REDIS=1 requires one:',
        ...HOW_TO_GET_A_SERVER,
      ].join('\n  '),
    );
  }
  const print = (line: string): void => console.log(line);
  // Installed now, while there is time; where there is none, the first test that needs it fails and says so.
  await providePostgres(machine, print).catch(() => undefined);
  const reportDir = temporaryDirectory('test-report');
  return { redisServerBin, redisTestUrl, reportDir, postgres: await PostgresBroker.start() };
}

function reportFile(run: Run): string {
  return join(run.reportDir, 'unproven.jsonl');
}
