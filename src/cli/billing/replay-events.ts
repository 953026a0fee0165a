import type { INestApplicationContext } from '@nestjs/common';
import { millisecondsOf } from '../../billing/ops/moment.js';
import {
  type NamedRequest,
  Replay,
  type ReplayReport,
  namedRequest,
} from '../../billing/ops/replay/replay.js';
import { REPLAY_TARGETS, type Outcomes, type ReplayTarget } from '../../billing/ops/replay/replay-target.js';
import type { Selection } from '../../billing/ops/replay/selection.js';
import { EXIT } from '../../kernel/errors.js';
import { printable } from '../../kernel/redact.js';
import type { ReplayOptions } from '../billing-ops.command.js';
import { type CliContext, type ExitCode, UsageError } from '../cli-context.js';
import { asUsage } from './as-usage.js';
import { inBilling } from './in-billing.js';
import { rebuildStream } from './rebuild-stream.js';

/** @throws UsageError */
export async function replayEvents(options: ReplayOptions, context: CliContext): Promise<ExitCode> {
  const { to } = options;
  if (to === 'tenant-stream') return await rebuildStream(options, context);
  if (!isTarget(to))
    throw new UsageError(`--to is one of ${[...REPLAY_TARGETS, 'tenant-stream'].join(', ')}`);
  const { eventId, from, until, type, tenant, dlq } = options;
  if (to !== 'assign' && [eventId, from, until, type, tenant, dlq].every((one) => one === undefined))
    throw new UsageError(
      'Say which events: --event-id, --from, --until, --type, --tenant or --dlq. Everything is --type "*"',
    );
  const dryRun = isDry(options);
  const request = asUsage(() => requestOf(options, to, dryRun));
  return await inBilling(context, async (billing) => {
    const { output } = context;
    const { id } = request;
    // Before anything is told: whoever breaks it off has the name under which it goes on.
    if (to === 'stream' && !dryRun) output.err(`Replay ${id}. Should it be interrupted: --id ${id} goes on.`);
    const report = await run(billing, request, context);
    output.live?.('');
    if (options.json) output.out(JSON.stringify(report, null, 2));
    else for (const line of linesOf(report, options)) output.out(line);
    if (options.json) return EXIT.ok;
    for (const line of remedies(report)) output.err(line);
    if (dryRun) output.err(hint(options, options.id));
    return EXIT.ok;
  });
}

async function run(
  billing: INestApplicationContext,
  request: NamedRequest,
  { output }: CliContext,
): Promise<ReplayReport> {
  return await billing.get(Replay).run(request, {
    onProgress: ({ looked, matched }) =>
      output.live?.(`${looked} looked at  ${matched} match  ${request.dryRun ? '(counting)' : ''}`),
  });
}

/** @throws SelectionError */
function requestOf(options: ReplayOptions, target: ReplayTarget, dryRun: boolean): NamedRequest {
  const { id } = options;
  return namedRequest({ selection: selectionOf(options), target, dryRun, ...(id !== undefined && { id }) });
}

function isDry({ yes = false, dryRun = false }: ReplayOptions): boolean {
  return dryRun || !yes;
}

function isTarget(text: string): text is ReplayTarget {
  return (REPLAY_TARGETS as readonly string[]).includes(text);
}

function selectionOf({ eventId, from, until, type, tenant, dlq }: ReplayOptions): Selection {
  const [fromMs, toMs] = [millisecondsOf(from, '--from'), millisecondsOf(until, '--until')];
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

const REMEDIES: Readonly<Record<string, string>> = {
  'unknown-customer':
    'unknown-customer: PUT /v1/billing/customers/{customer} says whose customer it is; give this again after it.',
  unreadable: 'unreadable: somebody else wrote it, or its data cannot be read; it was left as it is.',
  gone: 'gone: trimmed meanwhile; what Stripe still has, `billing backfill --from` fetches.',
};

/** What can be done about what was not done. */
function remedies({ matched, outcomes }: ReplayReport): string[] {
  if (matched === 0)
    return [
      'Nothing that is kept fits. The log goes back BILLING_STREAM_RETENTION_DAYS; what was never taken in, and Stripe ' +
        'still has, `billing backfill --from` fetches.',
    ];
  return Object.keys(outcomes).flatMap((name) => REMEDIES[name] ?? []);
}

function counts(what: string, outcomes: Outcomes): string[] {
  return Object.entries(outcomes)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${what}  ${String(count).padStart(8)}  ${printable(name, 255)}`);
}

function hint({ yes = false }: ReplayOptions, id: string | undefined): string {
  const named = id === undefined ? '' : ` The id ${printable(id, 64)} was not used up.`;
  return `Nothing was changed.${yes ? ' Leave out --dry-run to do it.' : ' Add --yes to do it.'}${named}`;
}
