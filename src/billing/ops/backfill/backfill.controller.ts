import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { NoStore, OpsOnly } from '../../../http/index.js';
import { secondsOf } from '../moment.js';
import { BackfillDto } from './backfill.dto.js';
import { Backfill } from './backfill.js';
import { type BackfillRecord, progressOf } from './backfill-record.js';

/** Fetches from Stripe what the webhook did not bring; in the background of the instance that was asked. */
@Controller('billing/backfill')
@OpsOnly()
export class BackfillController {
  constructor(private readonly backfill: Backfill) {}

  @Post()
  @HttpCode(202)
  @NoStore()
  async start(@Body() { from, to }: BackfillDto) {
    const [fromS, toS] = [secondsOf(from, 'from'), secondsOf(to, 'to')];
    const { record, done } = await this.backfill.start({
      ...(fromS !== undefined && { fromS }),
      ...(toS !== undefined && { toS }),
    });
    // How it ended stands in its record.
    done.catch(() => undefined);
    return answerOf(record);
  }

  @Get(':id')
  @NoStore()
  async show(@Param('id') id: string) {
    return answerOf(await this.backfill.find(id));
  }
}

function answerOf(record: BackfillRecord) {
  const { id, state, pages, taken, duplicates, refused, owner, reason } = record;
  return {
    id,
    state,
    progress: progressOf(record),
    owner,
    from: iso(record.fromS * 1000),
    to: iso(record.toS * 1000),
    ...(record.at && { at: iso(record.at.created * 1000) }),
    pages,
    taken,
    duplicates,
    refused,
    refused_ids: record.refusedIds,
    started_at: iso(record.startedMs),
    updated_at: iso(record.updatedMs),
    ...(reason !== undefined && { reason }),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
