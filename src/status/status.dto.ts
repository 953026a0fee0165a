import { IsIn, IsOptional, IsString, IsUUID, Length, Matches } from 'class-validator';
import {
  CHANNELS,
  type Channel,
  INCIDENT_SEVERITIES,
  type IncidentSeverity,
  SEVERITIES,
  type Severity,
} from './status.tables.js';

/** What people can read on one line. */
const LINE = /^[^\p{Cc}\p{Cs}\u2028\u2029]*[^\p{C}\p{Z}][^\p{Cc}\p{Cs}\u2028\u2029]*$/u;
const LINES = /^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])+$/u;

export class SubscribeDto {
  @IsIn(CHANNELS)
  channel!: Channel;

  /** E-mail address, or https URL of a webhook. */
  @IsString()
  @Length(1, 2048)
  target!: string;

  @IsIn(SEVERITIES)
  severity!: Severity;
}

export class StatusTokenDto {
  @IsString()
  @Length(1, 1024)
  token!: string;
}

export class IncidentDto {
  /** Chosen by the caller, so that a request whose answer was lost may be sent again. */
  @IsOptional()
  @IsUUID()
  id?: string | null;

  @IsIn(INCIDENT_SEVERITIES)
  severity!: IncidentSeverity;

  @IsString()
  @Length(1, 200)
  @Matches(LINE, { message: 'one line of printable text' })
  title!: string;

  @IsString()
  @Length(1, 10_000)
  @Matches(LINES, { message: 'a text without control characters other than tabs and line breaks' })
  body!: string;
}
