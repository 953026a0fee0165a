import { pinning } from '../cores.js';
import { FAN_OUT_PARTS } from './fan-out-parts.js';
import { numberOption, wordsOption } from './options.js';
import { STREAM_SERVERS } from './servers.js';
import { buildSwarm } from './swarm.js';

/** Open files that a process needs beside one for each stream. */
const OTHER_FILES = 200;

/** One Redis stream to thousands of event streams: this product beside bare Node and what others would take. */
export async function billingFanout(): Promise<void> {
  const missing = buildSwarm();
  if (missing) {
    process.stdout.write(`\nBilling fan-out: skipped. ${missing}\n`);
    return;
  }
  const subscribers = numberOption('subscribers', 5000);
  const names = wordsOption('contestants', Object.keys(STREAM_SERVERS));
  const parts = wordsOption('parts', Object.keys(FAN_OUT_PARTS));
  const limit = openFiles();
  process.stdout.write(
    `\nBilling fan-out: ${subscribers} subscribers, events of 621 bytes. ${pinning()} At most ${limit} open files in a ` +
      `process (ulimit -n)${limit < subscribers + OTHER_FILES ? ', which is too few' : ''}.\n`,
  );
  for (const part of parts) await FAN_OUT_PARTS[part]?.({ subscribers, names });
}

function openFiles(): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}
