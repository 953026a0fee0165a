import { setTimeout as sleep } from 'node:timers/promises';
import { printRows, times } from '../table.js';
import { type FanOut, SHORT } from './options.js';
import { startContestant } from './running.js';
import { STREAM_SERVERS } from './servers.js';
import type { Swarm } from './swarm.js';

/** What a client waits at most before it comes back. */
const DELAY_MS = 1000;
const CUTS = [100, 100, 50];
const DELIVERIES_PER_SECOND = 20_000;
const SECONDS = SHORT ? 10 : 14;
const BACK_TIMEOUT_MS = 60_000;

/** Everybody cut twice, half of them once more, while events go on; each comes back at a random moment of a second. */
export async function storm({ subscribers, names }: FanOut): Promise<void> {
  const rows: string[][] = [];
  for (const name of names.filter((one) => STREAM_SERVERS[one]?.resumes)) {
    const running = await startContestant(name);
    const swarm = await running.connect(subscribers);
    await swarm.until(await running.publisher.burst(1), BACK_TIMEOUT_MS);
    await swarm.reset();
    const perSecond = DELIVERIES_PER_SECOND / subscribers;
    const published = running.publisher.stream({ perSecond, seconds: SECONDS });
    const backMs = await cutThemAll(swarm);
    const { last, count } = await published;
    const { lost, missing, duplicate, gaps, refused, refusal, p99, max } = await swarm.until(
      last,
      BACK_TIMEOUT_MS,
    );
    const worst = Math.max(...backMs);
    rows.push([
      running.server.title,
      (count * subscribers).toLocaleString('en'),
      `${lost + missing}`,
      `${duplicate}`,
      `${gaps}`,
      `${refused} ${refusal}`,
      backMs.map((ms) => ms.toFixed(0)).join(' '),
      times(worst / DELAY_MS),
      `${p99}/${max} ms`,
    ]);
    await swarm.leave();
    await running.stop();
  }
  const header = ['', 'deliveries', 'lost', 'twice', 'gaps', 'refused', 'back, ms', 'of delay', 'p99/max'];
  printRows(`Reconnect storms of ${subscribers}, each back after up to ${DELAY_MS} ms`, header, rows);
}

async function cutThemAll(swarm: Swarm): Promise<number[]> {
  const backMs: number[] = [];
  for (const percent of CUTS) {
    await sleep(500);
    await swarm.cut(percent, DELAY_MS);
    const tally = await swarm.back(BACK_TIMEOUT_MS);
    backMs.push(tally.inTime ? tally.backMs : Number.POSITIVE_INFINITY);
  }
  return backMs;
}
