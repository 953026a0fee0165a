import { IsISO8601, IsOptional } from 'class-validator';

/** `created` of the events to fetch, ISO 8601. Neither: from where the last backfill ended. */
export class BackfillDto {
  @IsOptional()
  @IsISO8601({ strict: true })
  from?: string | null;

  @IsOptional()
  @IsISO8601({ strict: true })
  to?: string | null;
}
