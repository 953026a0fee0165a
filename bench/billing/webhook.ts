import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../../test/support/clean-up.js';
import { SERVER_CORE, cpuUsOf, pinnedCommand, pinning } from '../cores.js';
import { findWrk } from '../rate-limit/wrk.js';
import { median } from '../rounds.js';
import { microseconds, printRows, rate, times } from '../table.js';
import { BODY_BYTES, writeDeliveries } from './deliveries.js';
import { SHORT, wordsOption } from './options.js';
import { type Running, startContestant } from './running.js';
import { WEBHOOK_SERVERS } from './servers.js';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('./wrk-deliveries.lua', import.meta.url));
const CONNECTIONS = 32;
const ROUNDS = SHORT ? 3 : 11;
/** What each has taken before it counts: the runtime compiles what has run often, and the slower one runs less in a round. */
const WARM_UP_DELIVERIES = SHORT ? 8000 : 25_000;
const SECONDS = 1;
/** More than can be taken in one round: each is sent once. */
const DELIVERIES = 30_000 * SECONDS;

interface Sample {
  readonly perSecond: number;
  /** CPU of the server for one, microseconds. */
  readonly us: number;
  readonly count: number;
}

/** What it costs to take an event of Stripe for good: read, verify, append; this product beside bare node:http. */
export async function billingWebhook(): Promise<void> {
  const wrk = findWrk();
  if (!wrk || process.platform !== 'linux') {
    process.stdout.write('\nBilling webhook: skipped, since it needs Linux and wrk (apt-get install wrk).\n');
    return;
  }
  const names = wordsOption('contestants', Object.keys(WEBHOOK_SERVERS));
  process.stdout.write(
    `\nBilling webhook: wrk with ${CONNECTIONS} connections, events of ${BODY_BYTES} bytes, each of them new. ` +
      `${pinning()} ${ROUNDS} interleaved rounds of ${SECONDS} s.\n`,
  );
  const all: Running[] = [];
  for (const name of names) all.push(await startContestant(name));
  const samples = all.map(() => [] as Sample[]);
  const folder = temporaryDirectory('deliveries');
  const file = join(folder, 'requests');
  for (const running of all)
    for (let taken = 0; taken < WARM_UP_DELIVERIES;) taken += (await measure(running, wrk, file)).count;
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [at, running] of all.entries()) samples[at]?.push(await measure(running, wrk, file));
  for (const running of all) await running.stop();
  rmSync(folder, { recursive: true });
  print(all, samples);
}

async function measure(running: Running, wrk: string, file: string): Promise<Sample> {
  const { address, webhookSecret: secret, tenantId, pid } = running;
  const size = writeDeliveries({ file, count: DELIVERIES, secret, tenantId });
  const url = `http://127.0.0.1:${address.port}/`;
  const words = ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '-s', SCRIPT, url, '--', file, String(size)];
  const [command, args] = pinnedCommand(SERVER_CORE, wrk, words);
  const cpuBefore = cpuUsOf(pid);
  const { stdout } = await run(command, args);
  const us = cpuUsOf(pid) - cpuBefore;
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0);
  const count = number(/(\d+) requests in/);
  if (/Socket errors|Non-2xx/.test(stdout) || count >= DELIVERIES)
    throw new Error(`${running.name}: ${count >= DELIVERIES ? 'too few deliveries were written' : stdout}`);
  return { perSecond: number(/Requests\/sec:\s+([\d.]+)/), us: us / count, count };
}

function print(all: readonly Running[], samples: readonly (readonly Sample[])[]): void {
  const base = samples[0] ?? [];
  const rows = all.map(({ server }, at) => {
    const own = samples[at] ?? [];
    const rates = own.map(({ perSecond }) => perSecond);
    return [
      server.title,
      rate(median(rates)),
      times(median(rates.map((one, round) => one / (base[round]?.perSecond ?? Number.NaN)))),
      microseconds(median(own.map(({ us }) => us))),
      microseconds(Math.min(...own.map(({ us }) => us))),
      `[${rate(Math.min(...rates))} – ${rate(Math.max(...rates))}]`,
    ];
  });
  printRows('POST /v1/webhooks/stripe', ['', 'taken', 'of first', 'us CPU', 'least', 'range'], rows);
}
