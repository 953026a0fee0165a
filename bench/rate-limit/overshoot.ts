import { printRows, times } from '../table.js';
import { Entrant } from './entrant.js';
import { startMeasuredServer } from './measured-server.js';

const short = process.argv.includes('--short');
const LIMIT = { quota: 100, windowSeconds: 1 } as const;
const CLIENTS = 3;
const SECONDS = short ? 2 : 5;
const PER_SECOND = 1000;
/**
 * What a cunning client does, beginning with a second of the clock, as some windows do: one attempt, with which some windows begin; then silence, in which a bucket fills up;
 * then all that the limit grants shortly before the edge of that window; and behind the edge as much as it can.
 */
const ATTACK = [
  { fromMs: 0, attempts: 1, perSecond: PER_SECOND },
  { fromMs: 890, attempts: LIMIT.quota - 1, perSecond: PER_SECOND },
  { fromMs: 1010, attempts: SECONDS * PER_SECOND, perSecond: PER_SECOND },
] as const;
const EDGE_MS = 250;

const NAMES: readonly { name: string; burst?: number; note: string }[] = [
  { name: 'ours-1', burst: 100, note: ', burst 100' },
  { name: 'ours-1', burst: 20, note: ', burst 20' },
  { name: 'ours-window', note: '' },
  { name: 'flexible-1', note: '' },
  { name: 'throttler-1', note: '' },
  { name: 'fastify-1', note: '' },
];

/** How much more than its limit a limiter admits at worst. */
export async function overshoot(): Promise<void> {
  const rows: string[][] = [];
  for (const { name, burst, note } of NAMES) {
    const server = await startMeasuredServer();
    const setting = { url: server.url, ...LIMIT, ...(burst === undefined ? {} : { burst }) };
    const entrant = await Entrant.enter(name, setting, CLIENTS);
    const admitted = await entrant.attack(ATTACK);
    await entrant.leave();
    await server.stop();
    rows.push([
      entrant.title + note,
      String(admitted.length),
      ...[1000, EDGE_MS].map((windowMs) => String(mostWithin(admitted, windowMs))),
      times(mostWithin(admitted, 1000) / LIMIT.quota),
    ]);
  }
  printRows(
    `Overshoot: limit ${LIMIT.quota} per second, ${CLIENTS} clients: one attempt, ${LIMIT.quota - 1} just before a second is ` +
      `over, then ${PER_SECOND} attempts a second for ${SECONDS} s`,
    ['', 'admitted', 'most in any 1 s', `most in any ${EDGE_MS / 1000} s`, 'of the limit'],
    rows,
  );
}

/** The largest number of moments, which are sorted, within any window of that length. */
function mostWithin(moments: readonly number[], windowMs: number): number {
  let [first, most] = [0, 0];
  moments.forEach((moment, at) => {
    while (moment - (moments[first] ?? moment) >= windowMs) first += 1;
    most = Math.max(most, at - first + 1);
  });
  return most;
}
