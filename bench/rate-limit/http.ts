import { MEASURED_CORE, SERVER_CORE, cpuUsOf, pin, pinning, unpin } from '../cores.js';
import { Helper } from '../helper.js';
import { median } from '../rounds.js';
import { microseconds, printRows, rate, times } from '../table.js';
import type { HttpOrder } from './http-process.js';
import { type HttpVariant, PATH } from './http-variant.js';
import { VARIANTS } from './http-variants.js';
import { type MeasuredServer, startMeasuredServer } from './measured-server.js';
import { CONNECTIONS, ask, findWrk } from './wrk.js';

const short = process.argv.includes('--short');
const ROUNDS = short ? 2 : 11;
const WARM_UP_ROUNDS = short ? 1 : 2;
const SECONDS = 1;

interface Sample {
  readonly perSecond: number;
  /** CPU of the application and of Redis per request, microseconds. */
  readonly appUs: number;
  readonly redisUs: number;
  /** Script calls per request: how well decisions of several requests share one. */
  readonly calls: number;
}

interface Running {
  readonly name: string;
  readonly variant: HttpVariant;
  readonly helper: Helper<HttpOrder>;
  readonly url: string;
  readonly samples: Sample[];
}

/** What the limiter adds to an HTTP request: applications that differ in nothing else, ours and the peers'. */
export async function http(): Promise<void> {
  const wrk = findWrk();
  if (!wrk || process.platform !== 'linux') {
    process.stdout.write('\nHTTP: skipped, since it needs Linux and wrk (apt-get install wrk).\n');
    return;
  }
  process.stdout.write(
    `\nHTTP: wrk with ${CONNECTIONS} connections. ${pinning()} ${ROUNDS} interleaved rounds of ${SECONDS} s. CPU of the ` +
      'application per request in microseconds; "least": the least disturbed round. Added: over the same application ' +
      'without a limiter, least over least, and the median of differences within one round; as shares of its CPU, ' +
      'too. 429/200: CPU of a denial over that of an answer by the same limiter. Redis: its CPU; calls: scripts.\n',
  );
  pin(process.pid, SERVER_CORE);
  const server = await startMeasuredServer();
  const all: Running[] = [];
  for (const [name, variant] of Object.entries(VARIANTS)) all.push(await start(name, variant, server));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    for (let at = 0; at < all.length; at += 1) {
      const one = all[(at + round + all.length) % all.length] as Running;
      const sample = await measure(one, server, wrk);
      if (round >= 0) one.samples.push(sample);
    }
  }
  await Promise.all(all.map(({ helper }) => helper.stop()));
  await server.stop();
  unpin(process.pid);
  print(all);
}

async function start(name: string, variant: HttpVariant, server: MeasuredServer): Promise<Running> {
  const helper = Helper.start<HttpOrder>(new URL('./http-process.js', import.meta.url), { quiet: true });
  pin(helper.pid, MEASURED_CORE);
  const port = String(await helper.tell({ open: name, redisUrl: server.url }));
  return { name, variant, helper, url: `http://127.0.0.1:${port}${PATH}`, samples: [] };
}

async function measure(
  { variant, helper, url }: Running,
  server: MeasuredServer,
  wrk: string,
): Promise<Sample> {
  const callsBefore = await server.scriptCalls();
  const redisBefore = await server.cpuUs();
  const appBefore = cpuUsOf(helper.pid);
  const { count, refused, perSecond } = await ask(wrk, url, SECONDS);
  const appUs = (cpuUsOf(helper.pid) - appBefore) / count;
  const redisUs = ((await server.cpuUs()) - redisBefore) / count;
  const calls = ((await server.scriptCalls()) - callsBefore) / count;
  const wrong = variant.denied ? count - refused : refused;
  // The first answers of a limit that is to deny are not denials yet.
  if (wrong > (variant.denied ? 0.05 * count : 0)) {
    throw new Error(
      `${variant.title}: ${wrong} of ${count} answers were ${variant.denied ? 'no' : ''} denials`,
    );
  }
  return { perSecond, appUs, redisUs, calls };
}

const HEADER = [
  '',
  'requests',
  'of base',
  'least',
  'median',
  'added',
  'median',
  'share',
  'median',
  '429/200',
  'redis',
  'calls',
];

function print(all: readonly Running[]): void {
  const samplesOf = (name: string | undefined) => all.find((one) => one.name === name)?.samples ?? [];
  const rows = all.map(({ variant, samples }) => {
    const base = samplesOf(variant.base);
    const rates = samples.map(({ perSecond }) => perSecond);
    const least = leastOf(samples);
    const added = least - leastOf(base);
    const perRound = (of: (own: Sample, base: Sample) => number) =>
      median(samples.flatMap((sample, round) => (base[round] ? [of(sample, base[round])] : [])));
    return [
      variant.title,
      rate(median(rates)),
      times(perRound((own, other) => own.perSecond / other.perSecond)),
      microseconds(least),
      microseconds(median(samples.map(({ appUs }) => appUs))),
      microseconds(added),
      microseconds(perRound((own, other) => own.appUs - other.appUs)),
      times(added / leastOf(base)),
      times(perRound((own, other) => own.appUs / other.appUs - 1)),
      times(leastOf(samples) / leastOf(samplesOf(variant.allowedTwin))),
      microseconds(median(samples.map(({ redisUs }) => redisUs))),
      median(samples.map(({ calls }) => calls)).toFixed(3),
    ];
  });
  printRows(`GET ${PATH}`, HEADER, rows);
}

function leastOf(samples: readonly Sample[]): number {
  return samples.length === 0 ? Number.NaN : Math.min(...samples.map(({ appUs }) => appUs));
}
