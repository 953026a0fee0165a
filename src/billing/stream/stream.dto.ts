import { Type } from 'class-transformer';
import { Allow, IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import { TYPE_GLOBS } from './type-filter.js';

const TYPES_FORM =
  'up to 20 patterns of event types with commas between them, such as invoice.*,charge.refunded';

export class StreamQueryDto {
  /** Cursor to go on from; the header Last-Event-ID comes first. Judged later: a browser is told so by an event. */
  @Allow()
  last_event_id?: unknown;

  /** Comma-separated globs of event types, such as `invoice.*`. */
  @IsOptional()
  @Matches(TYPE_GLOBS, { message: TYPES_FORM })
  types?: string;

  /** `event`: heartbeats are events that a script sees; else comments. */
  @IsOptional()
  @IsIn(['event', 'comment'])
  hb?: 'event' | 'comment';
}

export class StreamSessionDto {
  /** Of `POST /v1/billing/stream/ticket`. */
  @IsString()
  @Length(1, 1024)
  ticket!: string;
}

export class EventsQueryDto {
  /** Cursor: only what happened after it, oldest first. */
  @IsOptional()
  @IsString()
  after?: string;

  /** Cursor: only what happened before it, newest first. */
  @IsOptional()
  @IsString()
  before?: string;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit?: number;

  @IsOptional()
  @Matches(TYPE_GLOBS, { message: TYPES_FORM })
  types?: string;
}
