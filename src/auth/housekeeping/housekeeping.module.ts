import { Module } from '@nestjs/common';
import {
  type Chore,
  ChoreRounds,
  DatabaseModule,
  type FeatureDatabase,
  Housekeeping,
  getDatabaseToken,
} from '../../database/index.js';
import { IdentityModule, Lockouts, ServiceAccountTokens, StaleRecords } from '../../identity/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { LOCKOUT_IDLE_MS } from '../lockout/lockout-tiers.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Records of tokens stay as long as this beyond their expiry, for whoever asks what was issued. */
const TOKEN_RECORDS_MS = HOUR_MS;
/** Beyond their expiry: who accepts once more is answered as before. */
const INVITATIONS_MS = 30 * DAY_MS;
/** As long as a wave of guesses at addresses without an account is looked into: its events, and the locks that they tell of. */
const NOBODYS_TRACES_MS = 90 * DAY_MS;
const CHORES = Symbol('auth:chores');

/** What of accounts in SQL is forgotten: what is over, has expired or is nobody's, each some time after that. */
@Module({
  imports: [IdentityModule, DatabaseModule.forFeature('auth', { connections: 4 })],
  providers: [
    {
      provide: CHORES,
      inject: [Lockouts, ServiceAccountTokens, StaleRecords, CLOCK],
      useFactory: (
        lockouts: Lockouts,
        tokens: ServiceAccountTokens,
        stale: StaleRecords,
        clock: Clock,
      ): readonly Chore[] => {
        const ago = (ms: number) => new Date(clock.nowMs() - ms);
        return [
          // As long as Redis remembers failures: a lock that is over still says from where the next one counts.
          { name: 'lockouts', forget: (most) => lockouts.forgetBefore(ago(LOCKOUT_IDLE_MS), most) },
          {
            name: 'nobodys-lockouts',
            forget: (most) => lockouts.forgetNobodys(ago(NOBODYS_TRACES_MS), most),
          },
          {
            name: 'service-account-tokens',
            forget: (most) => tokens.forgetBefore(ago(TOKEN_RECORDS_MS), most),
          },
          { name: 'invitations', forget: (most) => stale.forgetInvitations(ago(INVITATIONS_MS), most) },
          {
            name: 'nobodys-events',
            forget: (most) => stale.forgetNobodysEvents(ago(NOBODYS_TRACES_MS), most),
          },
        ];
      },
    },
    {
      provide: Housekeeping,
      inject: [CHORES, getDatabaseToken('auth'), CLOCK],
      useFactory: (chores: readonly Chore[], database: FeatureDatabase, clock: Clock) =>
        new Housekeeping({ chores, rounds: new ChoreRounds(database), clock }),
    },
  ],
})
export class HousekeepingModule {}
