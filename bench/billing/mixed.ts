import { setTimeout as sleep } from 'node:timers/promises';
import { printRows, times } from '../table.js';
import { Deliverer } from './deliverer.js';
import { type FanOut, SHORT } from './options.js';
import { type Running, startContestant } from './running.js';
import type { Swarm } from './swarm.js';

const SUBSCRIBERS = 10_000;
const PER_SECOND = 10;
const DELIVERIES = SHORT ? 100 : 300;
const WARM_UP = 50;
const TIMEOUT_MS = 60_000;

/** Stripe's deliveries, each told to all subscribers, beside the same with nobody listening; and the connections. */
export async function mixed({ names }: FanOut): Promise<void> {
  if (!names.includes('ours')) return;
  const running = await startContestant('ours');
  const none = await deliver(running);
  const swarm = await running.connect(SUBSCRIBERS);
  const many = await deliver(running, swarm);
  const connections = await billingConnections(running);
  await swarm.leave();
  await running.stop();
  const header = ['', 'p50', 'p99', 'p99 of none', 'streams p50/p99', 'connections'];
  printRows(`Webhooks at ${PER_SECOND} a second, each told to all`, header, [
    ['nobody listens', `${none.p50.toFixed(1)} ms`, `${none.p99.toFixed(1)} ms`, '', '', ''],
    [
      `${SUBSCRIBERS} subscribers`,
      `${many.p50.toFixed(1)} ms`,
      `${many.p99.toFixed(1)} ms`,
      times(many.p99 / none.p99),
      many.streams ?? '',
      String(connections),
    ],
  ]);
}

async function deliver(running: Running, swarm?: Swarm) {
  const deliverer = new Deliverer(running);
  for (let n = 0; n < WARM_UP; n += 1) await deliverer.post();
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
