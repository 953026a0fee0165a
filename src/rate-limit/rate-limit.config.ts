import { IsIn } from 'class-validator';
import { EnvVariable, type Settings } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { BACKENDS, type BackendName } from './rate-limit.backend.js';

export class RateLimitSettings {
  static readonly title = 'Rate limiting';

  @EnvVariable('RATE_LIMIT_BACKEND', {
    doc: 'Where limits are counted: redis, or memory (each instance for itself; the rollback, no URL needed)',
    default: 'redis',
  })
  @IsIn(BACKENDS)
  backend!: BackendName;

  @EnvVariable('RATE_LIMIT_KEY_SECRET', {
    doc: 'Key of the digests that stand for addresses and accounts in Redis, at least 32 bytes; the same on all instances',
    file: true,
    ownSecret: 'generated',
  })
  keySecret!: Secret;
}

/** Whether the purpose stays inactive, so that it needs no URL. */
export function countsInMemory(settings: Settings): boolean {
  return settings.of(RateLimitSettings).backend === 'memory';
}
