import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../rounds.js';
import { printRows, times } from '../table.js';
import { type FanOut, SHORT } from './options.js';
import { type Running, startContestant } from './running.js';

const ROUNDS = SHORT ? 3 : 7;
/** One that takes this long says enough. */
const LONG_MS = 3000;
const BURSTS_PER_ROUND = 3;
const EVENTS = 200;
const TIMEOUT_MS = 120_000;
const REST_MS = 500;

/** 200 events at once: milliseconds until the last subscriber has the last of them. */
export async function burst({ subscribers, names }: FanOut): Promise<void> {
  const all: Running[] = [];
  for (const name of names) all.push(await startContestant(name));
  const samples = all.map(() => [] as number[]);
  // The first round warms up and is not counted.
  for (let round = -1; round < ROUNDS; round += 1)
    for (const [at, running] of all.entries()) {
      const ms = await measure(running, subscribers);
      if (round >= 0) samples[at]?.push(ms);
    }
  for (const running of all) await running.stop();
  const base = samples[0] ?? [];
  const rows = all.map(({ server }, at) => {
    const own = samples[at] ?? [];
    return [
      server.title,
      `${median(own).toFixed(0)} ms`,
      times(median(own.map((ms, round) => ms / (base[round] ?? Number.NaN)))),
      `[${Math.min(...own).toFixed(0)} – ${Math.max(...own).toFixed(0)}]`,
    ];
  });
  printRows(
    `A burst of ${EVENTS} events until the last of ${subscribers} has all`,
    ['', 'median', 'of first', 'range'],
    rows,
  );
}

/** Median of the bursts of one round; only this contestant has clients meanwhile. */
async function measure(running: Running, subscribers: number): Promise<number> {
  const swarm = await running.connect(subscribers);
  const ms: number[] = [];
  while (ms.length < BURSTS_PER_ROUND && (ms.at(-1) ?? 0) < LONG_MS) {
    await sleep(REST_MS);
    await swarm.reset();
    const startUs = Date.now() * 1000;
    const last = await running.publisher.burst(EVENTS);
    const { inTime, lastUs, missing } = await swarm.until(last, TIMEOUT_MS);
    if (!inTime) throw new Error(`${running.name}: ${missing} deliveries are missing after ${TIMEOUT_MS} ms`);
    ms.push((lastUs - startUs) / 1000);
  }
  await swarm.leave();
  return median(ms);
}
