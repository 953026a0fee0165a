import { IsInt, Max, Min } from 'class-validator';
import { EnvVariable } from '../config/index.js';
import { parseDurationMs } from '../kernel/time.js';

export class HealthSettings {
  static readonly title = 'Health';

  @EnvVariable('REDIS_WARN_INTERVAL_MS', {
    default: '300000',
    doc: 'A compartment that is lost is warned about at most once in this time, and again while it stays lost',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(1000)
  @Max(86_400_000)
  warnIntervalMs!: number;
}
