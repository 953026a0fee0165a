import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { PURPOSES } from '../../src/redis/index.js';
import type { Compartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Callers, type Incrementer } from './support/callers.js';
import { readEndpointTable } from './support/endpoint-table.js';
import { type FaultHouse, PURPOSE_NAMES, openFaultHouse } from './support/house.js';
import { clientsAt } from './support/server-view.js';
import { Visitor } from './support/visitor.js';

const LANES = PURPOSE_NAMES.flatMap((name) => Object.keys(PURPOSES[name].lanes)).length;

/**
 * Longer than a machine with other work lets a server wait for its turn, and shorter than the stalls, as is the silence of
 * three times that after which a connection is given up: what fails here was wrong about a server.
 */
const BUDGETS = Object.fromEntries(
  PURPOSE_NAMES.map((name) => [`${PURPOSES[name].env}_COMMAND_MS`, '500ms']),
);
const STALL_MS = 2000;

describeReal('Healthy servers lose no connection while', () => {
  let house: FaultHouse;
  let core: Compartments;
  beforeAll(async () => {
    house = await openFaultHouse();
    core = await house.openCore(BUDGETS);
  });
  afterAll(async () => {
    await core.close();
    await house.close();
  });

  /** Ids of the connections of a process, which are new after every reconnect. */
  const connections = async (pid = 0) => {
    const clients = await Promise.all(PURPOSE_NAMES.map((name) => clientsAt(house.sites[name])));
    return clients.map((all) => all.filter(({ name }) => name.endsWith(`:${pid}`)).map(({ id }) => id));
  };

  it('the event loop stands still for two seconds with calls in flight', async () => {
    const before = await connections(process.pid);
    expect(before.flat()).toHaveLength(LANES);
    const callers = PURPOSE_NAMES.map(
      (name) => new Callers(core.client(name) as unknown as Incrementer, PURPOSES[name].namespace),
    );
    for (let stall = 0; stall < 3; stall += 1) {
      await sleep(150);
      const until = performance.now() + STALL_MS;
      while (performance.now() < until);
    }
    await sleep(150);
    const attempts = (await Promise.all(callers.map((group) => group.stop()))).flat();
    expect(attempts.length).toBeGreaterThan(200);
    expect(attempts.filter(({ outcome }) => outcome !== 'ok').slice(0, 3)).toEqual([]);
    expect(await connections(process.pid)).toEqual(before);
  });

  it('the process is stopped for three seconds and goes on', async () => {
    const app = await house.startApplication(BUDGETS);
    const { pid } = app.process;
    const before = await connections(pid);
    expect(before.flat()).toHaveLength(LANES);
    // Many at a time, so that some calls to Redis are under way at the moment of the stop.
    const visitors = Array.from({ length: 24 }, () =>
      new Visitor(app.origin, readEndpointTable(), { pauseMs: 0 }).start(),
    );
    const asked = () => visitors.reduce((sum, visitor) => sum + visitor.asked, 0);
    await waitFor(() => asked() > 500, { what: 'answers before the stop' });
    app.process.kill('SIGSTOP');
    await sleep(3000);
    app.process.kill('SIGCONT');
    const seen = asked();
    await waitFor(() => asked() > seen + 500, { what: 'answers after the stop' });
    const answers = (await Promise.all(visitors.map((visitor) => visitor.stop()))).flat();
    expect(await connections(pid)).toEqual(before);
    // First the lines, which say why.
    expect(app.lines(/DEGRADED|unavailable/i)).toEqual([]);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    app.process.kill('SIGTERM');
    expect((await app.exit).code).toBe(0);
  });
});
