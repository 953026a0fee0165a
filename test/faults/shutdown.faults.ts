import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningApplication } from '../support/application.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { readEndpointTable } from './support/endpoint-table.js';
import type { FaultRow } from './support/fault-row.js';
import { type FaultHouse, SECRETS, type Site, openFaultHouse } from './support/house.js';
import { shutdownCells } from './support/selection.js';
import { clientNames } from './support/server-view.js';
import { Visitor } from './support/visitor.js';

const DEADLINE_MS = 2000;
const VISITORS = 4;
/** Into the fault: calls are waiting, and where the fault is silence nobody has noticed it yet. */
const INTO_FAULT_MS = 150;
/** When the test gives up on a process; far beyond what it is held against. */
const PATIENCE_MS = 10_000;

describeReal('SIGTERM under load ends the application in order and inside its budget while', () => {
  const table = readEndpointTable();
  let house: FaultHouse;

  beforeAll(async () => {
    house = await openFaultHouse();
  });
  afterAll(() => house.close());

  it.each(shutdownCells())('$name', async ({ fault, purpose, name }) => {
    const app = await house.startApplication({ SHUTDOWN_DEADLINE_MS: `${DEADLINE_MS}ms` });
    const visitors = Array.from({ length: VISITORS }, () => new Visitor(app.origin, table).start());
    await waitFor(() => visitors.every(({ asked }) => asked > table.length), { what: 'load' });
    const { code, signalledMs, ms } = await terminate(app, fault, house.sites[purpose]);
    const answers = (await Promise.all(visitors.map((visitor) => visitor.stop()))).flat();

    expect(code).toBe(0);
    expect(ms).toBeLessThan(DEADLINE_MS);
    const before = answers.filter(({ startedMs }) => startedMs < signalledMs);
    expect(before.filter(({ status }) => status === 0)).toEqual([]);
    expect(answers.filter(({ status }) => ![0, 200, 503].includes(status))).toEqual([]);
    await waitFor(async () => (await allClients()).length === 0, { what: 'no connection to any server' });
    expect(app.lines(/\bat .*\.js:\d+/)).toEqual([]);
    expect(SECRETS.filter((secret) => app.output().includes(secret))).toEqual([]);
    process.stdout.write(`  ${name.padEnd(52)} ${before.length} answers, ended after ${ms.toFixed(0)} ms\n`);
  });

  async function allClients(): Promise<string[]> {
    return Object.values(await clientNames(house.sites)).flat();
  }
});

async function terminate(app: RunningApplication, fault: FaultRow, site: Site) {
  const patience = setTimeout(() => app.process.kill('SIGKILL'), PATIENCE_MS);
  try {
    await fault.inject(site);
    await sleep(INTO_FAULT_MS);
    const signalledMs = performance.now();
    app.process.kill('SIGTERM');
    const { code } = await app.exit;
    return { code, signalledMs, ms: performance.now() - signalledMs };
  } finally {
    clearTimeout(patience);
    await fault.heal(site);
  }
}
