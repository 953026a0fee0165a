import type { INestApplicationContext } from '@nestjs/common';
import { Backfill } from '../../billing/ops/backfill/backfill.js';
import type { BackfillRequest } from '../../billing/ops/backfill/backfill-plan.js';
import type { BackfillRecord } from '../../billing/ops/backfill/backfill-record.js';
import { secondsOf } from '../../billing/ops/moment.js';
import { EXIT } from '../../kernel/errors.js';
import { systemClock } from '../../kernel/time.js';
import type { BackfillOptions } from '../billing-ops.command.js';
import type { CliContext, ExitCode } from '../cli-context.js';
import { asUsage } from './as-usage.js';
import { BackfillProgress } from './backfill-progress.js';
import { inBilling } from './in-billing.js';

/** Ctrl-C ends it in order: what was fetched is kept, the lock is given back, and the next call goes on. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export async function runBackfill(options: BackfillOptions, context: CliContext): Promise<ExitCode> {
  const { from, until } = options;
  const [fromS, toS] = asUsage(() => [secondsOf(from, '--from'), secondsOf(until, '--until')]);
  const range = { ...(fromS !== undefined && { fromS }), ...(toS !== undefined && { toS }) };
  return await inBilling(context, (billing) => run(billing, { range, json: options.json === true }, context));
}

async function run(
  billing: INestApplicationContext,
  { range, json }: { readonly range: BackfillRequest; readonly json: boolean },
  { output }: CliContext,
): Promise<ExitCode> {
  const backfill = billing.get(Backfill);
  const shown: { progress?: BackfillProgress } = {};
  const stop = () => void backfill.stop();
  for (const signal of SIGNALS) process.once(signal, stop);
  try {
    const { record, done } = await backfill.start(range, {
      onProgress: (now) => shown.progress?.show(now),
      onWait: (ms, why) => shown.progress?.waits(ms, why),
    });
    output.err(opening(record));
    shown.progress = new BackfillProgress(record, output, systemClock);
    const last = await done;
    output.out(json ? JSON.stringify(last, null, 2) : closing(last));
    return EXIT.ok;
  } finally {
    shown.progress?.end();
    for (const signal of SIGNALS) process.removeListener(signal, stop);
  }
}

function opening({ id, fromS, toS, at }: BackfillRecord): string {
  const range = `events from ${iso(fromS)} to ${iso(toS)}`;
  return at ? `Going on with backfill ${id} at ${iso(at.created)}: ${range}.` : `Backfill ${id}: ${range}.`;
}

function closing({ id, pages, taken, duplicates, refused, refusedIds }: BackfillRecord): string {
  const first = refused > 0 ? ` The first that cannot be kept: ${refusedIds.join(', ')}.` : '';
  return `Backfill ${id} done: ${taken} new, ${duplicates} known, ${refused} refused, in ${pages} pages.${first}`;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
