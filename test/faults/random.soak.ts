import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { seededRandom } from '../support/seeded-random.js';
import { runEpisode } from './support/episode.js';
import { judge } from './support/judge.js';
import { Report } from './support/report.js';
import { type Rig, openRig } from './support/rig.js';
import { endRun } from './support/run-end.js';
import { randomStrikes } from './support/selection.js';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 10);
const SEED = Number(process.env.SOAK_SEED ?? Date.now() % 2 ** 32);
/** For the last episode to end, beyond the given time. */
const GRACE_MS = 60_000;

/** A fault is in force for so long, after it has been noticed. The longest is what every row holds out. */
const WINDOW_MS = { min: 300, max: 1500 };

describeReal(`Faults at random, one or two purposes at a time, for ${MINUTES} min, seed ${SEED}`, () => {
  const random = seededRandom(SEED);
  const report = new Report();
  let rig: Rig;

  beforeAll(async () => {
    process.stdout.write(`  seed ${SEED}: npm run soak -- --minutes ${MINUTES} --seed ${SEED}\n`);
    rig = await openRig();
  });
  afterAll(() => rig.close());

  it(
    'core and application keep every promise',
    async () => {
      const startedMs = performance.now();
      const untilMs = startedMs + MINUTES * 60_000;
      const complaints: string[] = [];
      while (performance.now() < untilMs) {
        const strikes = randomStrikes(random);
        const windowMs = WINDOW_MS.min + random() * (WINDOW_MS.max - WINDOW_MS.min);
        const name = strikes.map(({ purpose, fault }) => `${purpose} ${fault.name}`).join(' with ');
        try {
          const episode = await runEpisode(rig, strikes, windowMs);
          process.stdout.write(report.add(episode));
          complaints.push(...judge(episode).map((complaint) => `${name}: ${complaint}`));
        } catch (error) {
          complaints.push(`${name}: ${String(error)}`);
        }
      }
      complaints.push(...(await endRun(rig, report, performance.now() - startedMs)));
      expect(complaints).toEqual([]);
    },
    MINUTES * 60_000 + GRACE_MS,
  );
});
