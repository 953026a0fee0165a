import type { INestApplicationContext } from '@nestjs/common';
import { isTenantId } from '../../billing/log/event-rules.js';
import { millisecondsOf } from '../../billing/ops/moment.js';
import { type RebuildReport, TenantRebuild } from '../../billing/ops/replay/tenant-rebuild.js';
import { EXIT } from '../../kernel/errors.js';
import type { ReplayOptions } from '../billing-ops.command.js';
import { type CliContext, type ExitCode, UsageError } from '../cli-context.js';
import { asUsage } from './as-usage.js';
import { inBilling } from './in-billing.js';

/** Ctrl-C ends it in order: the lock is given back, and the next call goes on. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** `billing replay --to tenant-stream`. @throws UsageError */
export async function rebuildStream(options: ReplayOptions, context: CliContext): Promise<ExitCode> {
  const { tenant, from, dryRun = false, yes = false } = options;
  const { eventId, until, type, dlq, id } = options;
  const others = Object.entries({
    '--event-id': eventId,
    '--until': until,
    '--type': type,
    '--dlq': dlq,
    '--id': id,
  })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  if (tenant === undefined || others.length > 0)
    throw new UsageError(
      `--to tenant-stream makes the stream of one tenant anew as a whole: give --tenant, and --from at most` +
        (others.length > 0 ? `, and leave out ${others.join(', ')}` : ''),
    );
  if (!isTenantId(tenant))
    throw new UsageError('--tenant is a UUID in lower case, or _unassigned for events that nobody owns');
  const fromMs = asUsage(() => millisecondsOf(from, '--from'));
  const request = { tenantId: tenant, dryRun: dryRun || !yes, ...(fromMs !== undefined && { fromMs }) };
  return await inBilling(context, async (billing) => {
    const { output } = context;
    const report = await run(billing, request, context);
    if (options.json)
      output.out(JSON.stringify({ target: 'tenant-stream', dryRun: request.dryRun, ...report }, null, 2));
    else output.out(lineOf(report, request.dryRun));
    if (request.dryRun && !options.json)
      output.err(`Nothing was changed.${yes ? ' Leave out --dry-run to do it.' : ' Add --yes to do it.'}`);
    return EXIT.ok;
  });
}

async function run(
  billing: INestApplicationContext,
  request: Parameters<TenantRebuild['run']>[0],
  { output }: CliContext,
): Promise<RebuildReport> {
  const ending = new AbortController();
  const stop = () => ending.abort();
  for (const signal of SIGNALS) process.once(signal, stop);
  try {
    return await billing.get(TenantRebuild).run(request, {
      signal: ending.signal,
      onResume: (entries) =>
        output.err(`Going on with a rebuild that did not come to its end: ${entries} entries are built.`),
      onProgress: (looked, entries) => output.live?.(`${looked} looked at  ${entries} built`),
    });
  } finally {
    output.live?.('');
    for (const signal of SIGNALS) process.removeListener(signal, stop);
  }
}

function lineOf({ before, now }: RebuildReport, dryRun: boolean): string {
  return `${before} entries before, ${now} ${dryRun ? 'would be there' : 'now'}.`;
}
