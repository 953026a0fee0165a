import { setTimeout as sleep } from 'node:timers/promises';
import { printRows } from '../table.js';
import { Entrant } from './entrant.js';
import { type MeasuredServer, startMeasuredServer } from './measured-server.js';

const short = process.argv.includes('--short');
const MANY = short ? 10_000 : 100_000;

/** One unit a minute, so that whoever has asked once is limited, and stays so while the memory is read. */
const LIMIT = { quota: 1, windowSeconds: 60 } as const;
/** This product keeps states in generations, of a minute for such a limit, that begin with a minute of the clock. */
const GENERATION_MS = 60_000;

const NAMES = ['ours-1', 'flexible-1', 'throttler-1', 'fastify-1'];

interface Tenant {
  readonly server: MeasuredServer;
  readonly entrant: Entrant;
  /** used_memory before anybody was counted. */
  readonly empty: number;
  bytes: number;
  askedMs: number;
  peakBytes: number;
}

/** What a limited subject costs in Redis, at first and while its state moves on to the next generation. */
export async function memory(): Promise<void> {
  const tenants: Tenant[] = [];
  for (const name of NAMES) tenants.push(await moveIn(name));
  if (!short) await sleep(GENERATION_MS - (Date.now() % GENERATION_MS));
  for (const tenant of tenants) await count(tenant);
  if (!short) for (const tenant of tenants) await countAgain(tenant);
  for (const { entrant, server } of tenants) {
    await entrant.leave();
    await server.stop();
  }
  const peak = (bytes: number) => (Number.isNaN(bytes) ? '-' : bytes.toFixed(0));
  printRows(
    `Memory: ${MANY.toLocaleString('en')} addresses limited once, then, as soon as they may, once again ` +
      '(1 per minute); used_memory beyond that of an empty server, bytes per address',
    ['', 'once', 'again, at most'],
    tenants.map(({ entrant, bytes, peakBytes }) => [entrant.title, bytes.toFixed(0), peak(peakBytes)]),
  );
}

async function moveIn(name: string): Promise<Tenant> {
  const server = await startMeasuredServer();
  const entrant = await Entrant.enter(name, { url: server.url, ...LIMIT });
  // Scripts, connections and buffers are there before the first reading; by others than those who are counted then.
  await entrant.each(1000, MANY);
  await server.flush();
  const empty = await server.settledMemory();
  return { server, entrant, empty, bytes: 0, askedMs: 0, peakBytes: Number.NaN };
}

async function count(tenant: Tenant): Promise<void> {
  const { server, entrant, empty } = tenant;
  const allowed = await entrant.each(MANY);
  if (allowed < 0.99 * MANY)
    throw new Error(`${entrant.title}: only ${allowed} of ${MANY} were admitted once`);
  tenant.bytes = ((await server.settledMemory()) - empty) / MANY;
  const twice = await entrant.each(MANY);
  if (twice > 0) throw new Error(`${entrant.title}: ${twice} of ${MANY} were admitted twice`);
  // Some begin to count a denied subject's time with the denial.
  tenant.askedMs = Date.now();
}

async function countAgain(tenant: Tenant): Promise<void> {
  const { server, entrant, empty } = tenant;
  await sleep(Math.max(0, tenant.askedMs + LIMIT.windowSeconds * 1000 + 500 - Date.now()));
  const asked = { all: false };
  const asking = entrant.each(MANY).finally(() => (asked.all = true));
  let peak = 0;
  while (!asked.all) {
    peak = Math.max(peak, await server.usedMemory());
    await sleep(10);
  }
  const allowed = await asking;
  if (allowed < 0.99 * MANY)
    throw new Error(`${entrant.title}: only ${allowed} of ${MANY} were admitted again`);
  peak = Math.max(peak, await server.settledMemory());
  tenant.peakBytes = (peak - empty) / MANY;
}
