import type { INestApplicationContext } from '@nestjs/common';
import { millisecondsOf } from '../../billing/ops/moment.js';
import { Replay, type ReplayReport, newReplayId } from '../../billing/ops/replay/replay.js';
import { REPLAY_TARGETS, type Outcomes, type ReplayTarget } from '../../billing/ops/replay/replay-target.js';
import type { Selection } from '../../billing/ops/replay/selection.js';
import { TenantRebuild } from '../../billing/ops/replay/tenant-rebuild.js';
import { EXIT } from '../../kernel/errors.js';
import { printable } from '../../kernel/redact.js';
import type { ReplayOptions } from '../billing-ops.command.js';
import { type CliContext, type ExitCode, UsageError } from '../cli-context.js';
import { inBilling } from './in-billing.js';

/** @throws UsageError */
export async function replayEvents(options: ReplayOptions, context: CliContext): Promise<ExitCode> {
  const { to } = options;
  if (to === 'tenant-stream') return await rebuild(options, context);
  if (!isTarget(to))
    throw new UsageError(`--to is one of ${[...REPLAY_TARGETS, 'tenant-stream'].join(', ')}`);
  const dryRun = isDry(options);
  return await inBilling(context, async (billing) => {
    const { output } = context;
    const { id = newReplayId() } = options;
    // Before anything is told: whoever breaks it off has the name under which it goes on.
    if (to === 'stream' && !dryRun) output.err(`Replay ${id}. Should it be interrupted: --id ${id} goes on.`);
    const report = await run(billing, { options, target: to, dryRun, id }, context);
    output.live?.('');
    if (options.json) output.out(JSON.stringify(report, null, 2));
    else for (const line of linesOf(report, options)) output.out(line);
    if (dryRun && !options.json) output.err(hint(options, options.id));
    return EXIT.ok;
  });
}

interface Wanted {
  readonly options: ReplayOptions;
  readonly target: ReplayTarget;
  readonly dryRun: boolean;
  readonly id: string;
}

async function run(
  billing: INestApplicationContext,
  { options, target, dryRun, id }: Wanted,
  { output }: CliContext,
): Promise<ReplayReport> {
  return await billing.get(Replay).run(
    { selection: selectionOf(options), target, dryRun, id },
    {
      onProgress: ({ looked, matched }) =>
        output.live?.(`${looked} looked at  ${matched} match  ${dryRun ? '(counting)' : ''}`),
    },
  );
}

async function rebuild(options: ReplayOptions, context: CliContext): Promise<ExitCode> {
  const { tenant, from } = options;
  const others = [options.eventId, options.until, options.type, options.dlq].some((one) => one !== undefined);
  if (tenant === undefined || others)
    throw new UsageError(
      '--to tenant-stream makes a stream anew as a whole: give --tenant, and --from at most',
    );
  const dryRun = isDry(options);
  return await inBilling(context, async (billing) => {
    const fromMs = millisecondsOf(from);
    const report = await billing
      .get(TenantRebuild)
      .run({ tenantId: tenant, dryRun, ...(fromMs !== undefined && { fromMs }) });
    const { output } = context;
    if (options.json) output.out(JSON.stringify({ target: 'tenant-stream', dryRun, ...report }, null, 2));
    else output.out(`${report.before} entries before, ${report.now} ${dryRun ? 'would be there' : 'now'}.`);
    if (dryRun && !options.json) output.err(hint(options, undefined));
    return EXIT.ok;
  });
}

function isDry({ yes = false, dryRun = false }: ReplayOptions): boolean {
  return dryRun || !yes;
}

function isTarget(text: string): text is ReplayTarget {
  return (REPLAY_TARGETS as readonly string[]).includes(text);
}

function selectionOf({ eventId, from, until, type, tenant, dlq }: ReplayOptions): Selection {
  const [fromMs, toMs] = [millisecondsOf(from), millisecondsOf(until)];
  return {
    ...(eventId !== undefined && { eventId }),
    ...(fromMs !== undefined && { fromMs }),
    ...(toMs !== undefined && { toMs }),
    ...(type !== undefined && { types: type }),
    ...(tenant !== undefined && { tenantId: tenant }),
    ...(dlq && { deadLetters: true }),
  };
}

function linesOf(
  { id, matched, looked, outcomes, types, dryRun }: ReplayReport,
  { to }: ReplayOptions,
): string[] {
  return [
    `${dryRun ? 'Would replay' : 'Replayed'} ${matched} of ${looked} entries to ${to}${dryRun ? '' : ` (replay ${id})`}.`,
    ...counts('  what', outcomes),
    ...counts('  type', types),
  ];
}

function counts(what: string, outcomes: Outcomes): string[] {
  return Object.entries(outcomes)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${what}  ${String(count).padStart(8)}  ${printable(name, 255)}`);
}

function hint({ yes = false }: ReplayOptions, id: string | undefined): string {
  const named = id === undefined ? '' : ` The id ${printable(id, 64)} was not used up.`;
  return `Nothing was changed.${yes ? '' : ' Add --yes to do it.'}${named}`;
}
