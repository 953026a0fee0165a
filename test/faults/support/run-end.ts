import { SECRETS } from './house.js';
import { heldBytes } from './memory.js';
import type { Report } from './report.js';
import type { Rig } from './rig.js';

/** Once in this time a lost compartment is an error in the log (REDIS_WARN_INTERVAL_MS, by default). */
const ANNOUNCED_EVERY_MS = 300_000;

/**
 * Ends a run: tells its sums, ends the application, and holds the run as a whole against what is promised.
 *
 * @param ranMs how long the application ran
 * @returns one sentence for each broken promise
 */
export async function endRun(rig: Rig, report: Report, ranMs: number): Promise<string[]> {
  const growthBytes = (await heldBytes(rig.app)) - rig.warmBytes;
  process.stdout.write(report.sums(growthBytes));
  const { code } = await rig.endApplication();
  return [
    ...report.complaints(growthBytes),
    ...(code === 0 ? [] : [`the application ended with ${code}`]),
    ...judgeAnnouncements(rig.app.output(), Object.keys(rig.house.sites).length, ranMs),
    ...SECRETS.filter((secret) => rig.app.output().includes(secret)).map(() => 'a secret was written'),
  ];
}

/** An outage is an error at most once per purpose and interval, however often it begins and ends. */
function judgeAnnouncements(output: string, purposes: number, ranMs: number): string[] {
  const announced = output
    .split('\n')
    .filter((line) => line.includes('PRODUCTION DEGRADED'))
    .map((line) => (JSON.parse(line) as { level: string }).level);
  const allowed = purposes * (1 + Math.floor(ranMs / ANNOUNCED_EVERY_MS));
  return [
    ...(announced.length === 0 ? ['no outage was announced'] : []),
    ...(announced.length > allowed ? [`${announced.length} announcements instead of ${allowed}`] : []),
    ...(announced.some((level) => level !== 'error') ? ['an announcement that is not an error'] : []),
  ];
}
