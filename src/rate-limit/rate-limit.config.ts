import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { EnvVariable, type Fault, type Settings } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { POLICIES } from './policies/policies.js';
import type { RateLimitModuleOptions } from './rate-limit.options.js';

const PLACES = ['redis', 'memory'] as const;

export class RateLimitSettings {
  static readonly title = 'Rate limiting';

  @EnvVariable('RATE_LIMIT_BACKEND', {
    doc: 'Where limits are counted: redis, or memory (each instance for itself; the rollback, no URL needed)',
    default: 'redis',
  })
  @IsIn(PLACES)
  backend!: (typeof PLACES)[number];

  @EnvVariable('RATE_LIMIT_CANARY_PERCENT', {
    doc: 'Share of clients that Redis counts, always the same ones; the others are counted by each instance',
    default: '100',
  })
  @IsInt()
  @Min(0)
  @Max(100)
  canaryPercent!: number;

  @EnvVariable('RATE_LIMIT_SHADOW', {
    doc: 'Policies that count and report what they would deny, and never deny, separated by commas',
    example: 'signup',
    default: '',
    parse: (text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
  })
  shadowed: string[] = [];

  @EnvVariable('RATE_LIMIT_INSTANCES', {
    doc: 'Instances that share the limits wherever they are counted in memory; unset: as many as Redis has seen lately, or 1',
    example: '3',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10_000)
  instances?: number;

  @EnvVariable('RATE_LIMIT_KEY_SECRET', {
    doc: 'Key of the digests that stand for addresses and accounts in Redis, at least 32 bytes; the same on all instances',
    file: true,
    ownSecret: 'generated',
  })
  keySecret!: Secret;
}

/** Names of policies that nobody has, so that `env --check` finds them as a start does. */
export function shadowFaults({ shadowed }: RateLimitSettings, { policies }: RateLimitModuleOptions): Fault[] {
  const known = Object.keys({ ...POLICIES, ...policies });
  return shadowed
    .filter((name) => !known.includes(name))
    .map((name) => ({
      variable: 'RATE_LIMIT_SHADOW',
      rule: `there is no policy "${name}", so nothing would be in shadow mode by that name`,
      remedy: `Policies are ${known.join(', ')}`,
    }));
}

/** Whether the purpose stays inactive, so that it needs no URL. */
export function countsInMemory(settings: Settings): boolean {
  return settings.of(RateLimitSettings).backend === 'memory';
}
