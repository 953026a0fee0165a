import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { NoStore, OpsOnly } from '../../http/index.js';
import { type EntryId, ORIGIN, parseEntryId } from '../log/entry-id.js';
import { DeadLetterWork } from './dead-letter-work.js';
import { type DeadLetter, DeadLetters } from './dead-letters.js';
import { DeadLetterPageDto, DeadLettersDto } from './ops.dto.js';
import { SelectionError } from './ops.errors.js';

/** What the projector has given up: to look at, to apply again, or to discard. */
@Controller('billing/dlq')
@OpsOnly()
export class DeadLettersController {
  constructor(
    private readonly letters: DeadLetters,
    private readonly work: DeadLetterWork,
  ) {}

  @Get()
  @NoStore()
  async list(@Query() { limit = 50, after }: DeadLetterPageDto) {
    const page = await this.letters.page(after === undefined ? ORIGIN : idOf(after), limit);
    return {
      dead_letters: page.letters.map(answerOf),
      next: page.next ?? null,
      total: await this.letters.count(),
    };
  }

  /** Counts only, unless `dry_run` is false. */
  @Post()
  @HttpCode(200)
  @NoStore()
  async settle(@Body() { ids, all, action, dry_run }: DeadLettersDto) {
    const dryRun = dry_run !== false;
    if ((ids?.length ?? 0) > 0 === (all === true))
      throw new SelectionError('Say which: ids of dead letters, or all.');
    const which = all ? 'all' : (ids ?? []).map(idOf);
    return { action, dry_run: dryRun, outcomes: await this.work.run({ action, which, dryRun }) };
  }
}

/** @throws SelectionError */
function idOf(text: string): EntryId {
  const id = parseEntryId(text);
  if (!id) throw new SelectionError('An id of a dead letter is two numbers with a hyphen between them.');
  return id;
}

function answerOf({ id, entryId, reason, deliveries, entry }: DeadLetter) {
  return {
    id,
    entry_id: entryId,
    reason,
    deliveries,
    event: entry && {
      id: entry.eventId,
      type: entry.type,
      tenant_id: entry.tenantId,
      created: entry.createdS,
    },
  };
}
