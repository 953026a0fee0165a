import type { INestApplicationContext } from '@nestjs/common';
import { type EntryId, ORIGIN, parseEntryId } from '../../billing/log/entry-id.js';
import { DeadLetterWork } from '../../billing/ops/dead-letter-work.js';
import { type DeadLetter, DeadLetters } from '../../billing/ops/dead-letters.js';
import { EXIT } from '../../kernel/errors.js';
import { printable } from '../../kernel/redact.js';
import type { DeadLetterOptions } from '../billing-ops.command.js';
import { type CliContext, type ExitCode, UsageError } from '../cli-context.js';
import { alignColumns } from '../table.js';
import { inBilling, lookAtBilling } from './in-billing.js';

/** @throws UsageError */
export async function settleDeadLetters(options: DeadLetterOptions, context: CliContext): Promise<ExitCode> {
  const { replay, discard, all, id = [], limit, yes } = options;
  if (replay && discard)
    throw new UsageError('--replay applies dead letters and --discard removes them: give one of the two');
  if (!replay && !discard) {
    if (all || id.length > 0 || yes)
      throw new UsageError(
        '--id, --all and --yes say what to settle, and not how: give --replay or --discard as well',
      );
    return await lookAtBilling(context, (billing) => list(billing, options, context));
  }
  if (Boolean(all) === id.length > 0)
    throw new UsageError('say which dead letters: --id with ids that `billing dlq` lists, or --all');
  if (limit !== undefined)
    throw new UsageError('--limit is of the list: with --replay or --discard give --id, or --all');
  const which = all ? 'all' : id.map(idOf);
  const dryRun = !yes;
  const action = replay ? 'replay' : 'discard';
  return await inBilling(context, async (billing) => {
    const outcomes = await billing.get(DeadLetterWork).run({ action, which, dryRun });
    const { output } = context;
    const said = Object.entries(outcomes).map(([name, count]) => `${count} ${name}`);
    if (options.json) output.out(JSON.stringify({ action, dryRun, outcomes }, null, 2));
    else output.out(said.length > 0 ? said.join(', ') : all ? NONE : 'There is no such dead letter.');
    if (dryRun && !options.json) output.err('Nothing was changed. Add --yes to do it.');
    return EXIT.ok;
  });
}

async function list(
  billing: INestApplicationContext,
  { limit = LISTED, json }: DeadLetterOptions,
  { output }: CliContext,
): Promise<ExitCode> {
  const source = billing.get(DeadLetters);
  const { letters } = await source.page(ORIGIN, limit);
  const total = await source.count();
  if (json) {
    output.out(JSON.stringify({ total, deadLetters: letters }, null, 2));
    return EXIT.ok;
  }
  if (letters.length > 0) for (const line of alignColumns([HEAD, ...letters.map(rowOf)])) output.out(line);
  output.err(
    total > letters.length ? `${letters.length} of ${total} dead letters.` : `${total} dead letters.`,
  );
  return EXIT.ok;
}

const LISTED = 50;
const NONE = 'There are no dead letters.';
const HEAD = ['LETTER', 'ENTRY', 'REASON', 'DELIVERIES', 'TYPE', 'EVENT', 'TENANT'];

function rowOf({ id, entryId, reason, deliveries, entry }: DeadLetter): string[] {
  const { type = '(foreign)', eventId = '', tenantId = '' } = entry ?? {};
  return [id, entryId, reason, String(deliveries), type, eventId, tenantId].map((text) =>
    printable(text, 255),
  );
}

function idOf(text: string): EntryId {
  const id = parseEntryId(text);
  if (!id)
    throw new UsageError(
      '--id is the id of a dead letter as `billing dlq` lists it, such as 1700000000000-0',
    );
  return id;
}
