import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { NoStore, OpsOnly } from '../../../http/index.js';
import { type EntryId, parseEntryId } from '../../log/entry-id.js';
import { millisecondsOf } from '../moment.js';
import { SelectionError } from '../ops.errors.js';
import { ReplayDto } from '../ops.dto.js';
import { Replay } from './replay.js';
import type { Selection } from './selection.js';
import { TenantRebuild } from './tenant-rebuild.js';

/** So that an answer comes before anybody stops waiting for it; the rest is asked for with `after`. */
const MOST_LOOKED = 10_000;
/** As above: reading alone is a fraction of telling. */
const MOST_LOOKED_TO_REBUILD = 100_000;

/** Tells events again. Counts only, unless `dry_run` is false. */
@Controller('billing/replay')
@OpsOnly()
export class ReplayController {
  constructor(
    private readonly replay: Replay,
    private readonly rebuild: TenantRebuild,
  ) {}

  @Post()
  @HttpCode(200)
  @NoStore()
  async run(@Body() body: ReplayDto) {
    const { target, dry_run, id, after } = body;
    const dryRun = dry_run !== false;
    if (target === 'tenant-stream') return await this.rebuildOf(body, dryRun);
    const position = after ? positionOf(after) : undefined;
    const report = await this.replay.run({
      selection: selectionOf(body),
      target,
      dryRun,
      mostLooked: MOST_LOOKED,
      ...(id && { id }),
      ...(position && { after: position }),
    });
    const { looked, matched, outcomes, types, next } = report;
    return { id: report.id, target, dry_run: dryRun, looked, matched, outcomes, types, next: next ?? null };
  }

  private async rebuildOf({ tenant, from, ...others }: ReplayDto, dryRun: boolean) {
    if (!tenant || others.event_id || others.type || others.to || others.dlq)
      throw new SelectionError(
        'The stream of a tenant is rebuilt as a whole: name the tenant, and a beginning at most.',
      );
    const fromMs = millisecondsOf(from, 'from');
    const { before, now, next } = await this.rebuild.run({
      tenantId: tenant,
      dryRun,
      mostLooked: MOST_LOOKED_TO_REBUILD,
      ...(fromMs !== undefined && { fromMs }),
    });
    const counts = { entries_before: before, entries_now: now };
    // The place is kept beside what is built: the same request goes on. What only counts ends there.
    return { target: 'tenant-stream', dry_run: dryRun, ...counts, next: next ?? null };
  }
}

function selectionOf({ event_id, from, to, type, tenant, dlq }: ReplayDto): Selection {
  const [fromMs, toMs] = [millisecondsOf(from, 'from'), millisecondsOf(to, 'to')];
  return {
    ...(event_id && { eventId: event_id }),
    ...(fromMs !== undefined && { fromMs }),
    ...(toMs !== undefined && { toMs }),
    ...(type && { types: type }),
    ...(tenant && { tenantId: tenant }),
    ...(dlq && { deadLetters: true }),
  };
}

function positionOf(text: string): EntryId {
  const id = parseEntryId(text);
  if (!id) throw new SelectionError('"after" is the "next" of the last answer.');
  return id;
}
