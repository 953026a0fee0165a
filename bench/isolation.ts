import { setTimeout as sleep } from 'node:timers/promises';
import type { BuiltInPurpose } from '../src/redis/index.js';
import type { Compartments } from '../test/support/compartments.js';
import { waitFor } from '../test/support/wait-for.js';
import { HARMS, type Harm } from './isolation/harms.js';
import { type Arrangement, type House, type Scene, openHouse, openScene } from './isolation/house.js';
import { PURPOSE_NAMES, observe } from './isolation/observer.js';
import { type Finding, printFindings } from './isolation/report.js';

/** `--short`: two affected purposes and short windows; enough to see that the benchmark works. */
const short = process.argv.includes('--short');
const BASELINE_MS = short ? 500 : 2000;
const HARM_MS = short ? 1000 : 4000;
const AFFECTED: readonly BuiltInPurpose[] = short ? ['rateLimit', 'billingEvents'] : PURPOSE_NAMES;
/** Between two harms, when everything is up again. */
const REST_MS = 300;

const LEGEND =
  'Cells: errors, p50/p99 in ms meanwhile (p99 of the baseline just before); ! where it was noticed. ' +
  '"By others": from another process; "by itself": from the observed process, whose event loop serves all purposes. ' +
  'control: a bare connection to a server of its own that nothing harms; what it sees is the machine.';

/**
 * What the callers of every purpose notice while another one is flooded, dead or flapping: first with a server for
 * each purpose, then with one for all.
 */
export async function isolation(): Promise<void> {
  process.stdout.write(
    `\n250 calls a second of every purpose; floods of 1 ms scripts keep the server busy all the time; a flapping link ` +
      `is cut every 60 ms.\n${LEGEND}\n`,
  );
  await measure('own', 'A server for each purpose');
  await measure('shared', 'One server for all purposes, as with REDIS_URL alone');
}

async function measure(arrangement: Arrangement, title: string): Promise<void> {
  const house = await openHouse(arrangement);
  const findings: Finding[] = [];
  for (const affected of AFFECTED) {
    const scene = await openScene(house, affected);
    // The first calls are compiled, not measured.
    await observe(scene, BASELINE_MS);
    for (const harm of HARMS) {
      if (worthwhile(house, harm, affected)) findings.push(await suffer(scene, harm));
    }
    await scene.close();
  }
  await house.close();
  printFindings(title, findings);
}

/** What hits a shared server hits it once, whichever purpose it is meant for. */
function worthwhile({ arrangement }: House, { hits }: Harm, affected: BuiltInPurpose): boolean {
  return arrangement === 'own' || hits === 'purpose' || affected === AFFECTED[0];
}

async function suffer(scene: Scene, harm: Harm): Promise<Finding> {
  await allUp(scene.core);
  await sleep(REST_MS);
  const baseline = await observe(scene, BASELINE_MS);
  const end = await harm.begin(scene);
  const meanwhile = await observe(scene, HARM_MS);
  await end();
  const hitsAll = scene.house.arrangement === 'shared' && harm.hits === 'server';
  return { affected: scene.affected, hitsAll, harm: harm.name, baseline, meanwhile };
}

async function allUp({ status }: Compartments): Promise<void> {
  await waitFor(() => status.all().every(({ state }) => state === 'up'), {
    what: 'all compartments up',
    timeoutMs: 15_000,
  });
}
