import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { runEpisode } from './support/episode.js';
import { judge } from './support/judge.js';
import { Report } from './support/report.js';
import { type Rig, openRig } from './support/rig.js';
import { endRun } from './support/run-end.js';
import { matrixCells } from './support/selection.js';

describeReal('Core and application keep every promise while', () => {
  const report = new Report();
  let rig: Rig;
  let startedMs: number;

  beforeAll(async () => {
    startedMs = performance.now();
    rig = await openRig();
  });
  afterAll(() => rig.close());

  it.each(matrixCells())('$name', async ({ fault, purpose }) => {
    const episode = await runEpisode(rig, [{ fault, purpose }]);
    report.add(episode);
    expect(judge(episode)).toEqual([]);
  });

  it('all servers are killed: only then is the application as a whole not ready', async () => {
    const { house, visitor, table } = rig;
    const servers = Object.values(house.sites).map(({ server }) => server);
    const statusOf = async (path: string) => {
      const endpoint = table.find((row) => row.path === path);
      return endpoint && (await visitor.ask(endpoint)).status;
    };
    await rig.allUp();
    await Promise.all(servers.map((server) => server.kill9()));
    await waitFor(async () => (await statusOf('/readyz')) === 503, { what: 'readiness to fail' });
    expect(await statusOf('/livez')).toBe(200);
    expect(await statusOf('/v1/isolation')).toBe(200);
    await Promise.all(servers.map((server) => server.restart()));
    await rig.allUp();
    expect(await statusOf('/readyz')).toBe(200);
  });

  it('the run goes on: recovery, memory, log, secrets, and an end in order', async () => {
    process.stdout.write(report.table);
    expect(await endRun(rig, report, performance.now() - startedMs)).toEqual([]);
  });
});
