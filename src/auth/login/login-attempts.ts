import { Injectable } from '@nestjs/common';
import type { Sql } from '../../database/index.js';
import { Lockouts, SecurityEvents } from '../../identity/index.js';
import { Lockout, type LockoutVerdict } from '../lockout/lockout.js';
import { LOCKOUT_TIERS } from '../lockout/lockout-tiers.js';
import { LoginGate, type LoginOrigin, type Reservation } from '../throttle/login-gate.js';
import { TooManyAttemptsError } from '../throttle/too-many-attempts.error.js';

/** An attempt that has been counted, before its password is looked at. */
export interface CountedAttempt {
  readonly accountKey: string;
  /** The account is locked: whatever the password, nobody gets in. */
  readonly locked: boolean;
  readonly reservation: Reservation;
  readonly verdict: LockoutVerdict;
  /** SQL holds a lock of the account, over or not. */
  readonly remembered: boolean;
}

/** Counts attempts in the throttle and the lockout, and keeps the high tiers in SQL. */
@Injectable()
export class LoginAttempts {
  constructor(
    private readonly gate: LoginGate,
    private readonly lockout: Lockout,
    private readonly records: Lockouts,
    private readonly events: SecurityEvents,
  ) {}

  /** @throws TooManyAttemptsError, the same for accounts that do not exist; RedisUnavailableError, DatabaseUnavailableError */
  async reserve(origin: LoginOrigin): Promise<CountedAttempt> {
    const { accountKey, deviceId } = origin;
    const reservation = await this.gate.reserve(origin);
    if (!reservation.allowed) throw new TooManyAttemptsError(reservation.retryAfterMs);
    const record = await this.records.find(this.lockout.accountDigests(accountKey));
    const verdict = await this.lockout.reserve({
      accountKey,
      knownDevice: deviceId !== undefined,
      remembered: record && { failures: record.failures, lockedUntilMs: record.lockedUntil?.getTime() },
    });
    return { accountKey, locked: !verdict.allowed, reservation, verdict, remembered: record !== undefined };
  }

  async matched({ accountKey, reservation, verdict, remembered }: CountedAttempt): Promise<void> {
    await this.lockout.succeeded(accountKey, verdict);
    if (remembered && !verdict.byDevice) await this.records.lift(this.lockout.accountDigests(accountKey));
    await reservation.refund();
  }

  /** @param userId undefined: nobody has the account */
  async mismatched({ accountKey, verdict }: CountedAttempt, userId: string | undefined): Promise<void> {
    const { durable } = verdict;
    if (!durable) return;
    const [digest = ''] = this.lockout.accountDigests(accountKey);
    const { failures, lockedUntilMs } = durable;
    const lockedUntil = lockedUntilMs === undefined ? undefined : new Date(lockedUntilMs);
    await this.records.record(digest, { failures, lockedUntil });
    const isNewTier = LOCKOUT_TIERS.some((tier) => tier.failures === failures);
    if (isNewTier) await this.events.record('account-locked', userId, { failures });
  }

  /** The password was not looked at, for want of room or of a server: it was no attempt. */
  async unasked({ accountKey, reservation, verdict }: CountedAttempt): Promise<void> {
    await this.lockout.unasked(accountKey, verdict);
    await reservation.refund();
  }

  /**
   * Lifts every lock and forgets the failures: after a reset, or on an administrator's word.
   *
   * @param tx what SQL has of it is lifted there; a connection of its own when unset
   * @throws RedisUnavailableError, DatabaseUnavailableError; asking again is safe
   */
  async unlock(accountKey: string, tx?: Sql): Promise<void> {
    await this.records.lift(this.lockout.accountDigests(accountKey), tx);
    await this.lockout.unlock(accountKey);
  }
}
