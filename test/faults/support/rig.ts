import { setTimeout as sleep } from 'node:timers/promises';
import { PURPOSES } from '../../../src/redis/index.js';
import type { RunningApplication } from '../../support/application.js';
import type { Compartments } from '../../support/compartments.js';
import { waitFor } from '../../support/wait-for.js';
import { Callers, type Incrementer } from './callers.js';
import { type EndpointRow, readEndpointTable } from './endpoint-table.js';
import { type FaultHouse, PURPOSE_NAMES, openFaultHouse } from './house.js';
import { COLLECTS_ON_DEMAND, heldBytes } from './memory.js';
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
  /** What the application held after its warm-up, see {@link heldBytes}. */
  readonly warmBytes: number;
  /** Rejections of this process that nobody handled, until somebody takes them. */
  readonly unhandled: unknown[];
  /** @throws Error when a compartment does not become up, of the core or of the application */
  allUp(): Promise<void>;
  /** Ends the traffic, then the application by SIGTERM. */
  endApplication(): Promise<{ code: number | null }>;
  close(): Promise<void>;
}

/** One round of the warm-up: each visitor asks each endpoint so many times. */
const WARM_UP = { visitors: 8, times: 15, maxRounds: 12 };
/** A round that adds less says that everything has been compiled and cached. */
const SETTLED_BYTES = 1024 * 1024;
/** The first calls of a process take ten times as long as all others. */
const TRAFFIC_WARM_UP_MS = 500;

export async function openRig(): Promise<Rig> {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  const house = await openFaultHouse();
  const app = await house.startApplication({}, { nodeArguments: COLLECTS_ON_DEMAND });
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

/** @returns the most that it held after a round, bytes */
async function warmUp(app: RunningApplication, table: readonly EndpointRow[]): Promise<number> {
  let [before, now] = [0, await heldBytes(app)];
  for (let round = 0; round < WARM_UP.maxRounds && now > before + SETTLED_BYTES; round += 1) {
    await work(app.origin, table);
    before = now;
    now = Math.max(now, await heldBytes(app));
  }
  return now;
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
