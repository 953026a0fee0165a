import { IsInt, Max, Min } from 'class-validator';
import { EnvVariable } from '../../config/index.js';
import { parseDurationMs } from '../../kernel/time.js';

/** How events get from the log into SQL. */
export class ProjectorSettings {
  static readonly title = 'Billing projector';

  @EnvVariable('BILLING_PROJECTOR_LEASE', {
    default: '60s',
    doc: 'Events that a process was given and has not applied within this are given to another one, 1s to 10m',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(1000)
  @Max(600_000)
  leaseMs!: number;

  @EnvVariable('BILLING_BACKLOG_WARN', {
    default: '10000',
    doc: 'Events that wait for the projector; above this /readyz/billingEvents says degraded. 1 to 10000000',
  })
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  warnEntries!: number;

  @EnvVariable('BILLING_BACKLOG_WARN_AGE', {
    default: '60s',
    doc: 'How long an event waits for the projector; above this /readyz/billingEvents says degraded. 1s to 24h',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(1000)
  @Max(86_400_000)
  warnAgeMs!: number;
}
