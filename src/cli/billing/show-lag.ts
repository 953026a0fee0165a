import { Lag, type LagReport } from '../../billing/ops/lag.js';
import { EXIT } from '../../kernel/errors.js';
import type { CliContext, ExitCode } from '../cli-context.js';
import { alignColumns } from '../table.js';
import { lookAtBilling } from './in-billing.js';

export async function showLag({ json }: { readonly json?: boolean }, context: CliContext): Promise<ExitCode> {
  return await lookAtBilling(context, async (billing) => {
    const report = await billing.get(Lag).report();
    const { output } = context;
    if (json) output.out(JSON.stringify(report, null, 2));
    else for (const line of alignColumns(rowsOf(report))) output.out(line);
    return EXIT.ok;
  });
}

function rowsOf({ log, projector, dead_letters, backfill }: LagReport): string[][] {
  const { last } = backfill;
  return [
    ['log', `${log.entries} entries`, `oldest ${age(log.oldest_age_s)}`],
    [
      'projector',
      `${projector.waiting} waiting, ${projector.pending} pending`,
      `oldest ${age(projector.oldest_age_s)}`,
    ],
    ['dead letters', String(dead_letters), ''],
    [
      'backfill',
      backfill.fetched_up_to ? `up to ${backfill.fetched_up_to}` : 'never',
      last ? `${last.id} ${last.state} ${(last.progress * 100).toFixed(1)} %` : '',
    ],
  ];
}

function age(seconds: number | null): string {
  return seconds === null ? 'none' : `${seconds} s`;
}
