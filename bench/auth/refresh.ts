import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../../test/support/clean-up.js';
import { cpuUsOf } from '../cores.js';
import { findWrk } from '../rate-limit/wrk.js';
import { median } from '../rounds.js';
import { numberArgument } from './arguments.js';
import { BenchHouse, type Instance } from './house.js';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('./refresh.lua', import.meta.url));
const CONNECTIONS = 32;
/** More than there are connections, so that the next request need not wait for an answer. */
const FAMILIES = 200;
const TARGET_PER_SECOND = 2000;

interface Round {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly refused: number;
  /** CPU of the application per refresh, microseconds: what a busy machine does not change much. */
  readonly cpuUs: number;
}

/** Refreshes end to end over HTTP, with SQL and Redis behind them: everything shares the machine. */
export async function refresh(): Promise<void> {
  const wrk = findWrk();
  if (wrk === undefined) {
    process.stdout.write('\nrefresh end to end: left out, wrk is not installed (apt-get install wrk)\n');
    return;
  }
  const rounds = numberArgument('rounds', 5);
  const seconds = numberArgument('seconds', 8);
  const house = await BenchHouse.open();
  process.stdout.write(`\nrefresh end to end, ${CONNECTIONS} connections, target ${TARGET_PER_SECOND}/s\n`);
  for (const instances of [1, 2]) {
    await house.start();
    const [first] = house.instances;
    if (!first) throw new Error('No instance was started');
    if (instances === 1) await first.helper.tell({ do: 'accounts', name: 'r', count: FAMILIES });
    const seen: Round[] = [];
    for (let round = -1; round < rounds; round += 1) {
      // The first round warms up and is not counted. Each begins with new logins: what a round has left is used.
      const measured = await Promise.all(
        house.instances.map((instance, at) => askOne({ wrk, instance, first, seconds, at })),
      );
      if (round >= 0) seen.push(together(measured));
    }
    report(instances, seen);
  }
  await house.close();
}

interface Asking {
  readonly wrk: string;
  readonly instance: Instance;
  /** The one that knows the accounts. */
  readonly first: Instance;
  readonly seconds: number;
  readonly at: number;
}

let files = 0;

async function askOne({ wrk, instance, first, seconds, at }: Asking): Promise<Round> {
  const folder = temporaryDirectory('refresh');
  const file = join(folder, `tokens-${(files += 1)}`);
  const tokens = (await tellInTurn(first, at)) as string[];
  writeFileSync(file, tokens.join('\n'), { mode: 0o600 });
  const words = [
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${seconds}s`,
    '--latency',
    '-s',
    SCRIPT,
    instance.origin,
    '--',
    file,
  ];
  const { pid } = instance.helper;
  const cpuBefore = cpuUsOf(pid);
  const { stdout } = await run(wrk, words);
  const cpuUs = cpuUsOf(pid) - cpuBefore;
  rmSync(folder, { recursive: true });
  if (/Socket errors/.test(stdout)) throw new Error(`wrk:\n${stdout}`);
  const text = (pattern: RegExp) => pattern.exec(stdout)?.[1] ?? '';
  return {
    perSecond: Number(text(/Requests\/sec:\s+([\d.]+)/)),
    p50Ms: milliseconds(text(/^\s+50%\s+(\S+)/m)),
    p99Ms: milliseconds(text(/^\s+99%\s+(\S+)/m)),
    refused: Number(text(/Non-2xx or 3xx responses: (\d+)/)),
    cpuUs: cpuUs / Number(text(/(\d+) requests in/)),
  };
}

let turn: Promise<unknown> = Promise.resolve();

/** A helper takes one order at a time. */
function tellInTurn({ helper }: Instance, at: number): Promise<unknown> {
  const told = turn.then(() => helper.tell({ do: 'logins', name: 'r', count: FAMILIES }));
  turn = told.catch(() => at);
  return told;
}

function milliseconds(text: string): number {
  const [, number = '', unit = ''] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? [];
  return Number(number) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN);
}

function together(rounds: readonly Round[]): Round {
  return {
    perSecond: rounds.reduce((sum, one) => sum + one.perSecond, 0),
    p50Ms: Math.max(...rounds.map((one) => one.p50Ms)),
    p99Ms: Math.max(...rounds.map((one) => one.p99Ms)),
    refused: rounds.reduce((sum, one) => sum + one.refused, 0),
    cpuUs: rounds.reduce((sum, one) => sum + one.cpuUs, 0) / rounds.length,
  };
}

function report(instances: number, rounds: readonly Round[]): void {
  const middle = (of: (round: Round) => number) => median(rounds.map(of));
  const rates = rounds.map((one) => one.perSecond);
  process.stdout.write(
    `${instances} process${instances === 1 ? '  ' : 'es'}  ${middle((one) => one.perSecond).toFixed(0)}/s ` +
      `[${Math.min(...rates).toFixed(0)} – ${Math.max(...rates).toFixed(0)}]  p50 ${middle((one) => one.p50Ms).toFixed(1)} ms  ` +
      `p99 ${middle((one) => one.p99Ms).toFixed(1)} ms  ${middle((one) => one.cpuUs).toFixed(0)} us CPU  refused ${rounds.reduce((sum, one) => sum + one.refused, 0)}\n`,
  );
}
