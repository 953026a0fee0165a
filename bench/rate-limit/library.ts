import { SERVER_CORE, pin, pinning, unpin } from '../cores.js';
import { median } from '../rounds.js';
import { microseconds, printRows, rate, times } from '../table.js';
import { AMPLE, SCARCE, SUBJECTS } from './contestant.js';
import { Entrant, type Load, type Sample } from './entrant.js';
import { type MeasuredServer, startMeasuredServer } from './measured-server.js';

const short = process.argv.includes('--short');
const ROUNDS = short ? 3 : 13;
const ROUND_MS = short ? 60 : 150;
const WARM_UP_MS = short ? 150 : 600;

const ALLOWED = [
  'bare-1',
  'bare-3',
  'ours-1',
  'ours-3',
  'flexible-1',
  'flexible-3',
  'throttler-1',
  'throttler-3',
  'fastify-1',
];
const DENIED = [
  'bare-1',
  'ours-1',
  'ours-3',
  'flexible-1',
  'flexible-1-block',
  'throttler-1',
  'throttler-3',
  'fastify-1',
];

interface Cell extends Pick<Load, 'traffic' | 'concurrency' | 'expect'> {
  readonly title: string;
}

const subjects = `${SUBJECTS.toLocaleString('en')} subjects`;
const ALLOWED_CELLS: readonly Cell[] = [
  ...[1, 64, 512].map((concurrency) => cell('known', concurrency, subjects)),
  ...[64, 512].map((concurrency) => cell('hot', concurrency, 'one hot subject')),
  ...[64, 512].map((concurrency) =>
    cell('fresh', concurrency, 'each decision about a subject never seen before'),
  ),
];
const DENIED_CELLS: readonly Cell[] = [1, 64, 512].map((concurrency) => ({
  ...cell('known', concurrency, `denied traffic, ${subjects} over their limit`),
  expect: 'denied',
}));

function cell(traffic: Cell['traffic'], concurrency: number, title: string): Cell {
  return { traffic, concurrency, expect: 'allowed', title: `${title}, concurrency ${concurrency}` };
}

/** Decisions per second and their CPU, ours and the peers', against a script that does nothing. */
export async function library(): Promise<void> {
  process.stdout.write(
    `\nRate-limit decisions. ${pinning()} Each contestant in a process of its own, ${ROUNDS} interleaved rounds of ` +
      `${ROUND_MS} ms. Ratios are medians of ratios within one round, to a no-op script with one key and with three; ` +
      `CPU in microseconds per decision, medians ("least": least disturbed round); calls: scripts per decision.\n`,
  );
  pin(process.pid, SERVER_CORE);
  const server = await startMeasuredServer();
  await measure(server, ALLOWED, ALLOWED_CELLS);
  await server.flush();
  await measure(server, DENIED, DENIED_CELLS);
  await server.stop();
  unpin(process.pid);
}

async function measure(
  server: MeasuredServer,
  names: readonly string[],
  cells: readonly Cell[],
): Promise<void> {
  const limit = cells === DENIED_CELLS ? SCARCE : AMPLE;
  const entrants: Entrant[] = [];
  for (const name of names) entrants.push(await Entrant.enter(name, { url: server.url, ...limit }));
  if (cells === DENIED_CELLS) {
    // Now everyone is over the limit, and who remembers that in process has seen it.
    for (const entrant of entrants) if (!isBare(entrant)) await entrant.exhaust(SUBJECTS);
  }
  for (const one of cells) print(one, entrants, await roundsOf(one, entrants, server));
  for (const { title, repeated } of entrants) {
    if (repeated > 0)
      process.stdout.write(`${title}: ${repeated} rounds again, taken for an outage of Redis.\n`);
  }
  await Promise.all(entrants.map((entrant) => entrant.leave()));
}

/** @returns the samples of each entrant, by round */
async function roundsOf(
  { traffic, concurrency, expect }: Cell,
  entrants: readonly Entrant[],
  server: MeasuredServer,
): Promise<Sample[][]> {
  const load = { traffic, concurrency, expect };
  for (const entrant of entrants)
    await entrant.round({ ...load, expect: expectOf(entrant, expect), ms: WARM_UP_MS }, server);
  const samples = entrants.map((): Sample[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let at = 0; at < entrants.length; at += 1) {
      // Another one begins each time, so that nobody always follows the same one.
      const index = (at + round) % entrants.length;
      const entrant = entrants[index] as Entrant;
      const sample = await entrant.round(
        { ...load, expect: expectOf(entrant, expect), ms: ROUND_MS },
        server,
      );
      samples[index]?.push(sample);
    }
  }
  return samples;
}

function expectOf(entrant: Entrant, expect: Load['expect']): Load['expect'] {
  return isBare(entrant) ? 'allowed' : expect;
}

/** The no-op denies nobody. */
function isBare({ name }: Entrant): boolean {
  return name.startsWith('bare');
}

const HEADER = [
  '',
  'rate',
  '/1 key',
  '/3 keys',
  'node',
  'redis',
  'sum',
  'least',
  'CPU/1',
  'CPU/3',
  'calls',
  'range',
];

function print({ title }: Cell, entrants: readonly Entrant[], samples: readonly Sample[][]): void {
  const [one = [], three = []] = ['bare-1', 'bare-3'].map(
    (bare) => samples[entrants.findIndex(({ name }) => name === bare)],
  );
  const rows = entrants.map((entrant, at) => row(entrant.title, samples[at] ?? [], { one, three }));
  printRows(title, HEADER, rows);
}

const cpu = ({ nodeUs, redisUs }: Sample) => nodeUs + redisUs;

function row(
  title: string,
  own: readonly Sample[],
  bare: { one: readonly Sample[]; three: readonly Sample[] },
): string[] {
  const rates = own.map(({ perSecond }) => perSecond);
  const ratio = (of: (sample: Sample) => number, base: readonly Sample[]) =>
    times(median(own.flatMap((sample, round) => (base[round] ? [of(sample) / of(base[round])] : []))));
  const middle = (of: (sample: Sample) => number) => median(own.map(of));
  return [
    title,
    rate(median(rates)),
    ratio(({ perSecond }) => perSecond, bare.one),
    ratio(({ perSecond }) => perSecond, bare.three),
    microseconds(middle(({ nodeUs }) => nodeUs)),
    microseconds(middle(({ redisUs }) => redisUs)),
    microseconds(middle(cpu)),
    microseconds(Math.min(...own.map(cpu))),
    ratio(cpu, bare.one),
    ratio(cpu, bare.three),
    middle(({ calls }) => calls).toFixed(3),
    `${rate(Math.min(...rates))} – ${rate(Math.max(...rates))}`,
  ];
}
