import { IsIn, IsInt, Max, Min } from 'class-validator';
import { EnvVariable } from '../config/index.js';
import { parseDurationMs } from '../kernel/time.js';

/** Most severe first; each level includes those before it. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'verbose'] as const;
export type LogLevelName = (typeof LOG_LEVELS)[number];

export class LogSettings {
  static readonly title = 'Logging';

  @EnvVariable('LOG_LEVEL', {
    default: 'info',
    doc: 'Least severe level that is written: fatal, error, warn, info, debug or verbose',
  })
  @IsIn(LOG_LEVELS)
  level!: LogLevelName;

  @EnvVariable('LOG_FORMAT', {
    default: 'auto',
    doc: 'json, pretty, or auto: pretty in demo and development, json elsewhere',
  })
  @IsIn(['json', 'pretty', 'auto'])
  format!: 'json' | 'pretty' | 'auto';

  @EnvVariable('REDIS_WARN_INTERVAL_MS', {
    default: '300000',
    doc: 'A compartment that is lost is warned about at most once in this time, and again while it stays lost; so is counting without it',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(1000)
  @Max(86_400_000)
  warnIntervalMs!: number;
}
