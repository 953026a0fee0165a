import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { PURPOSES } from '../../src/redis/index.js';
import { type RunningApplication, startApplication } from '../support/application.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Callers, type Incrementer } from './support/callers.js';
import { type FaultHouse, PURPOSE_NAMES, openFaultHouse } from './support/house.js';

describeReal('Healthy servers lose no connection while', () => {
  let house: FaultHouse;
  beforeAll(async () => {
    house = await openFaultHouse();
  });
  afterAll(() => house.close());

  /** Ids of the connections of the application, which are new after every reconnect. */
  const connections = async (pid: number) => {
    const lists = await Promise.all(
      PURPOSE_NAMES.map(async (name) =>
        String(await house.sites[name].server.admin().call('CLIENT', 'LIST')),
      ),
    );
    return lists.map((list) =>
      list
        .split('\n')
        .filter((line) => new RegExp(`name=bulkhead:\\S+:${pid} `).test(line))
        .map((line) => /^id=(\d+)/.exec(line)?.[1])
        .sort((a, b) => Number(a) - Number(b)),
    );
  };

  it('the event loop stands still for 500 ms with calls in flight', async () => {
    const before = await connections(process.pid);
    expect(before.flat()).toHaveLength(6);
    const callers = PURPOSE_NAMES.map(
      (name) => new Callers(house.core.client(name) as unknown as Incrementer, PURPOSES[name].namespace),
    );
    for (let stall = 0; stall < 3; stall += 1) {
      await sleep(150);
      const until = performance.now() + 500;
      while (performance.now() < until);
    }
    await sleep(150);
    const attempts = (await Promise.all(callers.map((group) => group.stop()))).flat();
    expect(attempts.length).toBeGreaterThan(200);
    expect(attempts.filter(({ outcome }) => outcome !== 'ok').slice(0, 3)).toEqual([]);
    expect(await connections(process.pid)).toEqual(before);
  });

  it('the process is stopped for three seconds and goes on', async () => {
    const app = await startOnHouse();
    const pid = app.process.pid ?? 0;
    const before = await connections(pid);
    expect(before.flat()).toHaveLength(6);
    let going = true;
    const answers: number[] = [];
    // Many at a time, so that some calls to Redis are under way at the moment of the stop.
    const callers = Array.from({ length: 24 }, async () => {
      while (going) answers.push((await fetch(`${app.origin}/v1/isolation`)).status);
    });
    await waitFor(() => answers.length > 200, { what: 'answers before the stop' });
    app.process.kill('SIGSTOP');
    await sleep(3000);
    app.process.kill('SIGCONT');
    const seen = answers.length;
    await waitFor(() => answers.length > seen + 200, { what: 'answers after the stop' });
    going = false;
    await Promise.all(callers);
    expect(await connections(pid)).toEqual(before);
    expect(answers.filter((status) => status >= 500)).toEqual([]);
    expect(app.output()).not.toMatch(/DEGRADED|unavailable/i);
    app.process.kill('SIGTERM');
    expect((await app.exit).code).toBe(0);
  });

  function startOnHouse(): Promise<RunningApplication> {
    const urls = PURPOSE_NAMES.map(
      (name) => [`${PURPOSES[name].env}_URL`, applicationUrl(house, name)] as const,
    );
    return startApplication({ APP_PROFILE: 'development', ...Object.fromEntries(urls) });
  }
});

function applicationUrl(house: FaultHouse, name: (typeof PURPOSE_NAMES)[number]): string {
  const { server, proxy } = house.sites[name];
  return server.url({ port: proxy.port, username: 'app', password: house.password });
}
