import { setTimeout as sleep } from 'node:timers/promises';
import { median, pump } from '../rounds.js';
import { printRows, times } from '../table.js';
import { Deliverer } from './deliverer.js';
import { type FanOut, SHORT } from './options.js';
import { type Running, startContestant } from './running.js';
import type { Swarm } from './swarm.js';

const SUBSCRIBERS = 10_000;
const PER_SECOND = 10;
const ROUNDS = SHORT ? 1 : 3;
const DELIVERIES = SHORT ? 100 : 200;
/** What the process has taken before it counts: the runtime compiles what has run often. */
const WARM_UP_DELIVERIES = SHORT ? 1000 : 8000;
const WARM_UP_AT_ONCE = 16;
const SETTLE = 20;
const TIMEOUT_MS = 60_000;

interface Sample {
  readonly p50: number;
  readonly p99: number;
  readonly streams?: string | undefined;
}

/** Stripe's deliveries, each told to all subscribers, and in turn the same with nobody listening; and the connections. */
export async function mixed({ names }: FanOut): Promise<void> {
  if (!names.includes('ours')) return;
  const running = await startContestant('ours');
  await warmUp(running);
  const [none, many]: [Sample[], Sample[]] = [[], []];
  let connections = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    none.push(await deliver(running));
    const swarm = await running.connect(SUBSCRIBERS);
    many.push(await deliver(running, swarm));
    connections = Math.max(connections, await billingConnections(running));
    await swarm.leave();
  }
  await running.stop();
  const of = (samples: readonly Sample[], part: 'p50' | 'p99') =>
    `${median(samples.map((one) => one[part])).toFixed(1)} ms`;
  const ratio = median(many.map(({ p99 }, round) => p99 / (none[round]?.p99 ?? Number.NaN)));
  const header = ['', 'p50', 'p99', 'p99 of none', 'streams p50/p99', 'connections'];
  printRows(`Webhooks at ${PER_SECOND} a second, each told to all; ${ROUNDS} rounds in turn`, header, [
    ['nobody listens', of(none, 'p50'), of(none, 'p99'), '', '', ''],
    [
      `${SUBSCRIBERS} subscribers`,
      of(many, 'p50'),
      of(many, 'p99'),
      times(ratio),
      many.at(-1)?.streams ?? '',
      String(connections),
    ],
  ]);
}

async function warmUp(running: Running): Promise<void> {
  const deliverer = new Deliverer(running);
  await pump(WARM_UP_DELIVERIES, WARM_UP_AT_ONCE, () => deliverer.post());
  deliverer.close();
}

async function deliver(running: Running, swarm?: Swarm): Promise<Sample> {
  const deliverer = new Deliverer(running);
  for (let n = 0; n < SETTLE; n += 1) await deliverer.post();
  await swarm?.reset();
  const delays: Promise<number>[] = [];
  const startMs = performance.now();
  for (let n = 0; n < DELIVERIES; n += 1) {
    const dueMs = startMs + (n * 1000) / PER_SECOND;
    await sleep(Math.max(0, dueMs - performance.now()));
    delays.push(deliverer.post());
  }
  const sorted = (await Promise.all(delays)).sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
  const tally = await swarm?.until(1, TIMEOUT_MS);
  deliverer.close();
  return { p50: at(0.5), p99: at(0.99), streams: tally && `${tally.p50}/${tally.p99} ms` };
}

/** To the Redis of billing, the most that one process has: the publisher's is another one, with as many. */
async function billingConnections({ billing }: Running): Promise<number> {
  const list = String(await billing.admin().client('LIST'));
  const perProcess = new Map<string, number>();
  for (const [, instance = ''] of list.matchAll(/ name=bulkhead:billingEvents:\w+:(\S+)/g))
    perProcess.set(instance, (perProcess.get(instance) ?? 0) + 1);
  return Math.max(...perProcess.values());
}
