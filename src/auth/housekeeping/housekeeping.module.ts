import { Module } from '@nestjs/common';
import { DatabaseModule, type FeatureDatabase, getDatabaseToken } from '../../database/index.js';
import { IdentityModule, Lockouts, ServiceAccountTokens } from '../../identity/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { LOCKOUT_IDLE_MS } from '../lockout/lockout-tiers.js';
import { type Chore, Housekeeping } from './housekeeping.js';

/** Records of tokens stay as long as this beyond their expiry, for whoever asks what was issued. */
const TOKEN_RECORDS_MS = 3_600_000;

/** What of accounts in SQL is forgotten: locks that were over long ago, and records of tokens that have expired. */
@Module({
  imports: [IdentityModule, DatabaseModule.forFeature('auth', { connections: 4 })],
  providers: [
    {
      provide: Housekeeping,
      inject: [Lockouts, ServiceAccountTokens, getDatabaseToken('auth'), CLOCK],
      useFactory: (
        lockouts: Lockouts,
        tokens: ServiceAccountTokens,
        database: FeatureDatabase,
        clock: Clock,
      ): Housekeeping => {
        const ago = (ms: number) => new Date(clock.nowMs() - ms);
        const chores: Chore[] = [
          // As long as Redis remembers failures: a lock that is over still says from where the next one counts.
          { name: 'lockouts', forget: (most) => lockouts.forgetBefore(ago(LOCKOUT_IDLE_MS), most) },
          {
            name: 'service-account-tokens',
            forget: (most) => tokens.forgetBefore(ago(TOKEN_RECORDS_MS), most),
          },
        ];
        return new Housekeeping({ chores, isOpen: () => database.isOpen, clock });
      },
    },
  ],
})
export class HousekeepingModule {}
