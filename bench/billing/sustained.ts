import { setTimeout as sleep } from 'node:timers/promises';
import { cpuUsOf } from '../cores.js';
import { median } from '../rounds.js';
import { printRows, rate, times } from '../table.js';
import { type FanOut, SHORT } from './options.js';
import { type Running, startContestant } from './running.js';
import type { Tally } from './swarm.js';

const ROUNDS = SHORT ? 1 : 3;
const SECONDS = SHORT ? 3 : 5;
/** Deliveries a second, step by step. */
const LADDER = [
  10_000, 20_000, 40_000, 60_000, 100_000, 200_000, 400_000, 800_000, 1_400_000, 2_200_000, 3_000_000,
];
const LEAST_SHARE = 0.97;
const MOST_P99_MS = 1000;
/** What has not come by then did not keep up. */
const GRACE_MS = 1000;
const RECOVERY_MS = 120_000;

interface Step {
  readonly perSecond: number;
  readonly share: number;
  readonly tally: Tally;
  /** Of the server and of the clients, share of its core. */
  readonly busy: number;
  readonly clientsBusy: number;
}

/** How many deliveries a second each one holds: 97 % of them within the time, and the 99th percentile below a second. */
export async function sustained({ subscribers, names }: FanOut): Promise<void> {
  const best = new Map<string, { title: string; steps: Step[] }>();
  for (let round = 0; round < ROUNDS; round += 1)
    for (const name of names) {
      const { title, steps } = await climb(name, subscribers);
      const held = steps.filter(holds).at(-1) ?? (steps[0] as Step);
      best.set(name, { title, steps: [...(best.get(name)?.steps ?? []), held] });
    }
  const nest = median((best.get('nest-sse')?.steps ?? []).map(({ perSecond }) => perSecond));
  const rows = [...best.values()].map(({ title, steps }) => {
    const perSecond = median(steps.map((step) => step.perSecond));
    const one = steps.find((step) => step.perSecond === perSecond) as Step;
    return [
      title,
      `${rate(perSecond)}${perSecond === LADDER.at(-1) ? '+' : ''}`,
      times(perSecond / nest),
      `${(100 * one.share).toFixed(1)} %`,
      `${one.tally.p50}/${one.tally.p99} ms`,
      `${(100 * one.busy).toFixed(0)} %`,
      `${(100 * one.clientsBusy).toFixed(0)} %`,
    ];
  });
  const header = ['', 'held', 'of @Sse', 'in time', 'p50/p99', 'CPU', 'clients'];
  printRows(`Deliveries a second to ${subscribers}; "+": the ladder ended there`, header, rows);
}

function holds({ share, tally }: Step): boolean {
  return share >= LEAST_SHARE && tally.p99 < MOST_P99_MS;
}

async function climb(name: string, subscribers: number): Promise<{ title: string; steps: Step[] }> {
  const running = await startContestant(name);
  const steps: Step[] = [];
  for (const perSecond of LADDER) {
    const one = await step(running, subscribers, perSecond);
    steps.push(one);
    if (!holds(one)) break;
  }
  await running.stop();
  return { title: running.server.title, steps };
}

async function step(running: Running, subscribers: number, perSecond: number): Promise<Step> {
  const swarm = await running.connect(subscribers);
  await swarm.until(await running.publisher.burst(1), RECOVERY_MS);
  await sleep(500);
  await swarm.reset();
  const [startMs, cpu, clients] = [performance.now(), cpuUsOf(running.pid), cpuUsOf(swarm.pid)];
  const { last, count } = await running.publisher.stream({
    perSecond: perSecond / subscribers,
    seconds: SECONDS,
  });
  const tally = await swarm.until(last, GRACE_MS);
  const us = (performance.now() - startMs) * 1000;
  const [busy, clientsBusy] = [(cpuUsOf(running.pid) - cpu) / us, (cpuUsOf(swarm.pid) - clients) / us];
  await swarm.leave();
  return { perSecond, share: tally.events / (count * subscribers), tally, busy, clientsBusy };
}
