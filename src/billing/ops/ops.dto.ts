import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsISO8601,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
} from 'class-validator';

const TARGETS = ['projector', 'stream', 'assign', 'tenant-stream'] as const;

/** Bodies and queries of the endpoints for operators. What a selector may be is judged by the replay. */
export class ReplayDto {
  @IsOptional()
  @IsString()
  @Length(1, 255)
  event_id?: string | null;

  /** When events were taken in, ISO 8601. */
  @IsOptional()
  @IsISO8601({ strict: true })
  from?: string | null;

  @IsOptional()
  @IsISO8601({ strict: true })
  to?: string | null;

  /** Globs, such as `invoice.*`. */
  @IsOptional()
  @IsString()
  @Length(1, 500)
  type?: string | null;

  @IsOptional()
  @IsString()
  @Length(1, 36)
  tenant?: string | null;

  @IsOptional()
  @IsBoolean()
  dlq?: boolean | null;

  @IsIn(TARGETS)
  target!: (typeof TARGETS)[number];

  /** Unless this is false, everything is counted and nothing done. */
  @IsOptional()
  @IsBoolean()
  dry_run?: boolean | null;

  /** Names the replay: what was told under a name is not told again. */
  @IsOptional()
  @IsString()
  @Length(1, 64)
  id?: string | null;

  /** `next` of the last answer. */
  @IsOptional()
  @IsString()
  @Length(3, 41)
  after?: string | null;
}

export class DeadLettersDto {
  /** Ids of letters; neither these nor `all`: nothing. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(500)
  @IsString({ each: true })
  ids?: string[] | null;

  @IsOptional()
  @IsBoolean()
  all?: boolean | null;

  @IsIn(['replay', 'discard'])
  action!: 'replay' | 'discard';

  /** Unless this is false, everything is counted and nothing done. */
  @IsOptional()
  @IsBoolean()
  dry_run?: boolean | null;
}

export class DeadLetterPageDto {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit?: number;

  @IsOptional()
  @IsString()
  @Length(3, 41)
  after?: string;
}
