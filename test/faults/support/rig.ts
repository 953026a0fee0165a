import { setTimeout as sleep } from 'node:timers/promises';
import { PURPOSES } from '../../../src/redis/index.js';
import type { RunningApplication } from '../../support/application.js';
import type { Compartments } from '../../support/compartments.js';
import { waitFor } from '../../support/wait-for.js';
import { Callers, type Incrementer } from './callers.js';
import { type EndpointRow, readEndpointTable } from './endpoint-table.js';
import { type FaultHouse, PURPOSE_NAMES, openFaultHouse } from './house.js';
import { residentBytes } from './memory.js';
import { type PerPurpose, perPurpose } from './per-purpose.js';
import { clientNames } from './server-view.js';
import { StallWatch } from './stall-watch.js';
import { Visitor } from './visitor.js';

/** What a fault is measured on: the core in this process, the application beside it, and traffic on both. */
export interface Rig {
  readonly house: FaultHouse;
  readonly core: Compartments;
  readonly app: RunningApplication;
  readonly table: readonly EndpointRow[];
  readonly callers: PerPurpose<Callers>;
  readonly visitor: Visitor;
  readonly stalls: StallWatch;
  /** Names of the clients of each server while nothing is wrong. */
  readonly connections: PerPurpose<readonly string[]>;
  /** Resident memory of the application after its warm-up. */
  readonly warmBytes: number;
  /** Rejections of this process that nobody handled, until somebody takes them. */
  readonly unhandled: unknown[];
  /**
   * Resident memory of the application, bytes. Above `limit` it is made to work on until its heap is collected,
   * since garbage is no leak; what is above it then, stays.
   */
  settledBytes(limit: number): Promise<number>;
  /** @throws Error when a compartment does not become up, of the core or of the application */
  allUp(): Promise<void>;
  /** Ends the traffic, then the application by SIGTERM. */
  endApplication(): Promise<{ code: number | null }>;
  close(): Promise<void>;
}

/** One round of the warm-up: each visitor asks each endpoint so many times. */
const WARM_UP = { visitors: 8, times: 15, maxRounds: 12 };
/** A round that adds less says that the heap has the size that it has under traffic. */
const SETTLED_BYTES = 1024 * 1024;
/** Some ten thousand requests: a heap that is not collected by then does not get smaller. */
const COLLECTION_ROUNDS = 30;
/** The first calls of a process take ten times as long as all others. */
const TRAFFIC_WARM_UP_MS = 500;

export async function openRig(): Promise<Rig> {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  const house = await openFaultHouse();
  const app = await house.startApplication();
  const core = await house.openCore();
  const table = readEndpointTable();
  const warmBytes = await warmUp(app, table);
  const callers = perPurpose(
    (name) => new Callers(core.client(name) as unknown as Incrementer, PURPOSES[name].namespace),
  );
  const visitor = new Visitor(app.origin, table).start();
  await sleep(TRAFFIC_WARM_UP_MS);
  const endTraffic = async () => {
    await Promise.all([visitor.stop(), ...PURPOSE_NAMES.map((name) => callers[name].stop())]);
  };
  const rig: Rig = {
    house,
    core,
    app,
    table,
    callers,
    visitor,
    stalls: new StallWatch(),
    connections: await clientNames(house.sites),
    warmBytes,
    unhandled,
    settledBytes: (limit) => settledBytes(rig, limit),
    allUp: () => allUp(rig),
    endApplication: async () => {
      await endTraffic();
      app.process.kill('SIGTERM');
      return app.exit;
    },
    close: async () => {
      await endTraffic();
      rig.stalls.stop();
      app.process.kill('SIGKILL');
      await app.exit;
      await core.close();
      await house.close();
      process.off('unhandledRejection', note);
    },
  };
  return rig;
}

/** @returns the largest resident memory that was seen */
async function warmUp({ process: { pid }, origin }: RunningApplication, table: readonly EndpointRow[]) {
  let [before, now] = [0, residentBytes(pid)];
  for (let round = 0; round < WARM_UP.maxRounds && now > before + SETTLED_BYTES; round += 1) {
    await work(origin, table);
    before = now;
    now = Math.max(now, residentBytes(pid));
  }
  return now;
}

async function settledBytes({ app, table }: Rig, limit: number): Promise<number> {
  let bytes = residentBytes(app.process.pid);
  for (let round = 0; round < COLLECTION_ROUNDS && bytes > limit; round += 1) {
    await work(app.origin, table);
    bytes = residentBytes(app.process.pid);
  }
  return bytes;
}

/** One round of requests, as many at a time as keep the application busy. */
async function work(origin: string, table: readonly EndpointRow[]): Promise<void> {
  const visitor = new Visitor(origin, table);
  const walk = async () => {
    for (let time = 0; time < WARM_UP.times; time += 1) {
      for (const endpoint of table) await visitor.ask(endpoint);
    }
  };
  await Promise.all(Array.from({ length: WARM_UP.visitors }, walk));
}

async function allUp({ core, visitor }: Rig): Promise<void> {
  const notUp = async () => {
    const seen = await Promise.all(
      PURPOSE_NAMES.map(async (name) => [
        `core ${name} ${core.status.of(name).state}`,
        `application ${name} ${(await visitor.state(name)).status}`,
      ]),
    );
    return seen.flat().filter((state) => !state.endsWith(' up'));
  };
  let seen: string[] = [];
  await waitFor(async () => (seen = await notUp()).length === 0, {
    what: 'all compartments to be up',
    timeoutMs: 10_000,
    intervalMs: 10,
  }).catch((error: unknown) => {
    throw new Error(`Not everything is up: ${seen.join(', ')}`, { cause: error });
  });
}
