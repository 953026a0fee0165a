import {
  ArrayMaxSize,
  ArrayMinSize,
  Equals,
  IsArray,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
} from 'class-validator';
import { LONGEST_PATTERN, POLICY_MODES, type PolicyMode } from './override.js';
import { LONGEST_BLOCK_MS } from './ruling-store.js';
import { LONGEST_SUBJECT } from './subject-text.js';

/** Bodies of the endpoints for operators. What depends on the policies is judged by RateLimitControl. */

export class SubjectDto {
  @IsString()
  @Length(1, 64)
  dimension!: string;

  /** As a request brings it; `all` for the dimension global. */
  @IsString()
  @Length(1, LONGEST_SUBJECT)
  subject!: string;
}

export class BlockDto extends SubjectDto {
  @IsInt()
  @Min(1)
  @Max(LONGEST_BLOCK_MS)
  for_ms!: number;
}

/** By the subject itself or by the id that the list of blocks shows. */
export class UnblockDto {
  @IsString()
  @Length(1, 64)
  dimension!: string;

  @IsOptional()
  @IsString()
  @Length(1, LONGEST_SUBJECT)
  subject?: string | null;

  @IsOptional()
  @IsString()
  @Length(16, 16)
  id?: string | null;
}

/** Which limit of a policy or a stream quota for whom, or with neither limit nor target: a policy as a whole. */
export class OverridePlaceDto {
  @IsOptional()
  @IsString()
  @Length(1, 32)
  policy?: string | null;

  @IsOptional()
  @IsString()
  @Length(1, 32)
  stream_quota?: string | null;

  @IsOptional()
  @IsString()
  @Length(1, 32)
  limit?: string | null;

  @IsOptional()
  @IsString()
  @Length(1, LONGEST_SUBJECT)
  subject?: string | null;

  @IsOptional()
  @IsString()
  @Length(1, LONGEST_PATTERN)
  pattern?: string | null;

  @IsOptional()
  @IsString()
  @Length(16, 16)
  id?: string | null;
}

/** Of a policy other numbers, or `exempt`, or `mode`: one of the three. Of a stream quota `streams`. */
export class OverrideDto extends OverridePlaceDto {
  /** Open at once; 1 to 100,000. */
  @IsOptional()
  @IsInt()
  streams?: number | null;

  @IsOptional()
  @IsInt()
  quota?: number | null;

  @IsOptional()
  @IsNumber()
  window_ms?: number | null;

  @IsOptional()
  @IsInt()
  burst?: number | null;

  @IsOptional()
  @Equals(true)
  exempt?: true | null;

  @IsOptional()
  @IsIn(POLICY_MODES)
  mode?: PolicyMode | null;
}

/** Only limits that count by the dimension are made full again. */
export class ResetDto extends SubjectDto {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(16)
  @IsString({ each: true })
  policies!: string[];
}
