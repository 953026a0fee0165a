import { Injectable } from '@nestjs/common';
import { Lockouts, SecurityEvents, type User } from '../../identity/index.js';
import { Lockout, type LockoutVerdict } from '../lockout/lockout.js';
import { lockoutName } from '../lockout/lockout-name.js';
import { LOCKOUT_TIERS } from '../lockout/lockout-tiers.js';
import { LoginGate, type LoginOrigin, type Reservation } from '../throttle/login-gate.js';
import { TooManyAttemptsError } from '../throttle/too-many-attempts.error.js';

/** An attempt that has been counted, before its password is looked at. */
export interface CountedAttempt {
  /** Of the account in the lockout. */
  readonly name: string;
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

  /**
   * @param user undefined: nobody has the account
   * @throws TooManyAttemptsError, the same for accounts that do not exist; RedisUnavailableError, DatabaseUnavailableError
   */
  async reserve(origin: LoginOrigin, user: User | undefined): Promise<CountedAttempt> {
    const { accountKey, deviceId } = origin;
    const reservation = await this.gate.reserve(origin);
    if (!reservation.allowed) throw new TooManyAttemptsError(reservation.retryAfterMs);
    const name = lockoutName(accountKey, user);
    const record = await this.records.find(this.lockout.accountDigests(name));
    const verdict = await this.lockout.reserve({
      accountKey: name,
      knownDevice: deviceId !== undefined,
      remembered: record && { failures: record.failures, lockedUntilMs: record.lockedUntil?.getTime() },
    });
    return { name, locked: !verdict.allowed, reservation, verdict, remembered: record !== undefined };
  }

  async matched({ name, reservation, verdict, remembered }: CountedAttempt): Promise<void> {
    await this.lockout.succeeded(name, verdict);
    if (remembered && !verdict.byDevice) await this.records.lift(this.lockout.accountDigests(name));
    await reservation.refund();
  }

  /** @param user as it was when the attempt was counted; undefined: nobody has the account */
  async mismatched({ name, verdict }: CountedAttempt, user: User | undefined): Promise<void> {
    const { durable } = verdict;
    if (!durable) return;
    const [digest = ''] = this.lockout.accountDigests(name);
    const { failures, lockedUntilMs } = durable;
    const lockedUntil = lockedUntilMs === undefined ? undefined : new Date(lockedUntilMs);
    const kept = await this.records.record(digest, { failures, lockedUntil, user });
    const isNewTier = LOCKOUT_TIERS.some((tier) => tier.failures === failures);
    if (kept && isNewTier) await this.events.record('account-locked', user?.id, { failures });
  }

  /** The password was not looked at, for want of room or of a server: it was no attempt. */
  async unasked({ name, reservation, verdict }: CountedAttempt): Promise<void> {
    await this.lockout.unasked(name, verdict);
    await reservation.refund();
  }
}
