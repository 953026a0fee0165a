import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { type Instance, type LimiterRig, openLimiterRig } from './support/limiter-rig.js';
import { judgeOutage } from './support/judge-outage.js';
import { runOutage } from './support/outage-episode.js';
import { OUTAGE_FAULTS } from './support/outage-faults.js';
import { OutageReport } from './support/outage-report.js';
import { FULL } from './support/selection.js';

const WINDOW_MS = FULL ? 3000 : 800;

describeReal('The rate limiter decides within its deadline, and says how, while', () => {
  const report = new OutageReport();
  let rig: LimiterRig;
  let instance: Instance;

  beforeAll(async () => {
    rig = await openLimiterRig();
    instance = await rig.openInstance();
  });
  afterAll(async () => {
    process.stdout.write(report.table);
    await rig.close();
  });

  const faults = OUTAGE_FAULTS.filter(({ short }) => FULL || short).map(({ fault }) => fault);
  it.each(faults)('$name', async (fault) => {
    const episode = await runOutage(fault, { instance, site: rig.site, windowMs: WINDOW_MS });
    report.add(episode);
    expect(judgeOutage(episode)).toEqual([]);
  });
});
