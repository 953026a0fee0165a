import { jsonOf } from '../../billing/log/entry-data.js';
import { ORIGIN, parseEntryId } from '../../billing/log/entry-id.js';
import { EventLog } from '../../billing/log/event-log.js';
import type { LogEntry } from '../../billing/log/log-entry.js';
import { isTenantId } from '../../billing/log/event-rules.js';
import { TYPE_GLOBS, TypeFilter } from '../../billing/stream/type-filter.js';
import { EXIT } from '../../kernel/errors.js';
import { printable } from '../../kernel/redact.js';
import type { EventsOptions } from '../billing-ops.command.js';
import { type CliContext, type ExitCode, UsageError } from '../cli-context.js';
import { alignColumns } from '../table.js';
import { lookAtBilling } from './in-billing.js';

const PAGE = 500;

/** @throws UsageError */
export async function listEvents(options: EventsOptions, context: CliContext): Promise<ExitCode> {
  const { tenant, type, after } = options;
  if (tenant !== undefined && !isTenantId(tenant))
    throw new UsageError('--tenant is a UUID in lower case, or _unassigned for events that nobody owns');
  if (type !== undefined && !TYPE_GLOBS.test(type))
    throw new UsageError('--type is globs with commas between them, such as invoice.*,charge.*, at most 20');
  if (after !== undefined && !parseEntryId(after))
    throw new UsageError(
      '--after is the id of an entry as `billing events` lists it, such as 1700000000000-0',
    );
  return await lookAtBilling(context, async (billing) => {
    const entries = await find(billing.get(EventLog), options);
    const { output } = context;
    if (options.json)
      for (const entry of entries)
        output.out(JSON.stringify({ ...entry, data: jsonOf(entry.data) ?? entry.data }));
    else if (entries.length === 0) output.err('No event is kept that fits.');
    else for (const line of alignColumns([HEAD, ...entries.map(rowOf)])) output.out(line);
    return EXIT.ok;
  });
}

/** The whole log and not the stream of a tenant, which is kept for less long. */
async function find(
  log: EventLog,
  { tenant, type, after, limit, oldest = false }: EventsOptions,
): Promise<LogEntry[]> {
  const filter = TypeFilter.parse(type);
  const found: LogEntry[] = [];
  let from = parseEntryId(after ?? '');
  while (found.length < limit) {
    const bound = oldest ? { after: from ?? ORIGIN } : from ? { before: from } : {};
    const page = await log.page({ ...bound, count: PAGE, newestFirst: !oldest });
    found.push(
      ...page.filter(
        (entry) =>
          (tenant === undefined || entry.tenantId === tenant) && (filter?.passes(entry.type) ?? true),
      ),
    );
    from = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  return found.slice(0, limit);
}

const HEAD = ['ENTRY', 'TENANT', 'NUMBER', 'TYPE', 'EVENT', 'CREATED', ''];

function rowOf(entry: LogEntry): string[] {
  const { id, tenantId, tenantSequence, type, eventId, createdS, stale, replayed } = entry;
  const flags = [stale && 'late', replayed && 'replayed'].filter(Boolean).join(',');
  return [id, tenantId, String(tenantSequence), type, eventId, dateOf(createdS), flags].map((text) =>
    printable(text, 255),
  );
}

/** A foreign second may be no date. */
function dateOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}
