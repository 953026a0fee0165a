import { readdirSync } from 'node:fs';
import { printRows, times } from '../table.js';
import type { FanOut } from './options.js';
import { startContestant, takePeakRss } from './running.js';
import type { Tally } from './swarm.js';

const CLIENTS = 200;
const SLOW = 20;
/** 20 MB for each of them: more than the kernel keeps for a connection. */
const PACE = { perSecond: 200, seconds: 10, bytes: 10_000 };
const TIMEOUT_MS = 60_000;
const MEGABYTE = 1024 * 1024;

/** 20 of 200 clients stop reading: what the others and the process notice, beside the same with nobody slow. */
export async function slowReaders({ names }: FanOut): Promise<void> {
  const rows: string[][] = [];
  for (const name of names) {
    const [without, withSlow] = [await measure(name, 0), await measure(name, SLOW)];
    rows.push([
      withSlow.title,
      `${without.tally.p99} ms`,
      `${withSlow.tally.p99} ms`,
      `${(without.peak / MEGABYTE).toFixed(0)} MB`,
      `${(withSlow.peak / MEGABYTE).toFixed(0)} MB`,
      times(withSlow.peak / without.peak),
      `${withSlow.dropped}`,
      `${withSlow.tally.missing}`,
    ]);
  }
  const header = ['', 'p99 without', 'p99', 'peak without', 'peak', 'of it', 'dropped', 'missing'];
  printRows(`${SLOW} of ${CLIENTS} clients stop reading`, header, rows);
}

interface Measured {
  readonly title: string;
  readonly tally: Tally;
  /** Resident, bytes. */
  readonly peak: number;
  /** Connections that the server has closed. */
  readonly dropped: number;
}

async function measure(name: string, slow: number): Promise<Measured> {
  const running = await startContestant(name);
  const swarm = await running.connect(CLIENTS);
  // What is compiled and grown by then is not what somebody slow has cost.
  const { last: warm } = await running.publisher.stream({ ...PACE, seconds: 2 });
  await swarm.until(warm, TIMEOUT_MS);
  await running.settledRss();
  if (slow > 0) await swarm.mute(slow);
  await swarm.reset();
  takePeakRss(running.pid);
  const before = openFiles(running.pid);
  const { last } = await running.publisher.stream(PACE);
  const tally = await swarm.until(last, TIMEOUT_MS);
  const peak = takePeakRss(running.pid);
  const dropped = before - openFiles(running.pid);
  await swarm.leave();
  await running.stop();
  return { title: running.server.title, tally, peak, dropped };
}

/** A client that does not read does not see that it was cut off, since the end stands behind what it has not read. */
function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
