import { setTimeout as sleep } from 'node:timers/promises';
import { cpuUsOf } from '../cores.js';
import { median } from '../rounds.js';
import { microseconds, printRows } from '../table.js';
import { type FanOut, SHORT } from './options.js';
import { startContestant } from './running.js';

const ROUNDS = SHORT ? 1 : 3;
/** The share of the streams that is opened first: with them the process reaches its size, and the rest is weighed. */
const FIRST_SHARE = 0.1;
const REST_MS = 1500;

/** What a stream takes that nothing happens on, and what it takes to open one. Each time a fresh process. */
export async function idle({ subscribers, names }: FanOut): Promise<void> {
  const samples = new Map<string, { title: string; bytes: number; cpuUs: number }[]>();
  for (let round = 0; round < ROUNDS; round += 1)
    for (const name of names) {
      const sample = await measure(name, subscribers);
      samples.set(name, [...(samples.get(name) ?? []), sample]);
    }
  const rows = [...samples.values()].map((all) => [
    all[0]?.title ?? '',
    `${(median(all.map(({ bytes }) => bytes)) / 1024).toFixed(1)} kB`,
    microseconds(median(all.map(({ cpuUs }) => cpuUs))),
  ]);
  printRows('Idle streams', ['', 'resident each', 'us CPU to open'], rows);
}

async function measure(name: string, subscribers: number) {
  const running = await startContestant(name);
  const first = Math.ceil(subscribers * FIRST_SHARE);
  const swarms = [await running.connect(first)];
  await sleep(REST_MS);
  const [before, cpuBefore] = [await running.settledRss(), cpuUsOf(running.pid)];
  swarms.push(await running.connect(subscribers - first));
  const cpuUs = (cpuUsOf(running.pid) - cpuBefore) / (subscribers - first);
  await sleep(REST_MS);
  const bytes = ((await running.settledRss()) - before) / (subscribers - first);
  for (const swarm of swarms) await swarm.leave();
  await running.stop();
  return { title: running.server.title, bytes, cpuUs };
}
