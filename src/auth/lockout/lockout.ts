import { Injectable } from '@nestjs/common';
import { KeyRing } from '../../kernel/key-ring.js';
import { InjectRedis, type PurposeRedis } from '../../redis/index.js';
import { Metrics } from '../../telemetry/index.js';
import { AuthSettings } from '../auth.config.js';
import { type AttemptReply, reserveAttempt, settleAttempt } from './attempt-scripts.js';
import {
  HELD_TIER,
  LEAST_DURABLE_TIER,
  LOCKOUT_IDLE_MS,
  LOCKOUT_TIERS,
  type LockoutTier,
  MOST_DEVICE_FAILURES,
  tierOf,
} from './lockout-tiers.js';

const DIGEST = 'lockout';
/** How long an account that was lifted here is not locked by what SQL says: longer than a login that read it takes. */
const LIFTED_MS = 60_000;
const TIERS = LOCKOUT_TIERS.flatMap(({ failures, lockMs = -1 }) => [failures, lockMs]);

/** Failures in a row, and their lock, as SQL keeps them. */
export interface DurableLockout {
  readonly failures: number;
  /** Milliseconds since the epoch; undefined: held until somebody lifts it. */
  readonly lockedUntilMs: number | undefined;
}

export interface LoginAttempt {
  /** `lockoutName` of the address, whether it has an account or not. */
  readonly accountKey: string;
  /** It came from a device that the owner has logged in with. */
  readonly knownDevice?: boolean;
  /** What SQL remembers of `accountDigests(accountKey)`. */
  readonly remembered?: DurableLockout | undefined;
}

/** What the lockout says to an attempt. */
export interface LockoutVerdict {
  /** The password may be looked at. It counts as a failure until `succeeded` or `unasked` says otherwise. */
  readonly allowed: boolean;
  /** Allowed as a known device, whatever the lock. */
  readonly byDevice: boolean;
  /** The tier that the account has reached, with this attempt where it was counted; 0: none. */
  readonly tier: LockoutTier;
  /** 0 where it was allowed; undefined: no wait helps. Milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** To be written to SQL where the password is wrong: a counted attempt of tier 20 or more. */
  readonly durable: DurableLockout | undefined;
  /** When the lock ends that this attempt brought, milliseconds since the epoch; 0: it brought none, or one without an end. */
  readonly lockEndsAtMs: number;
}

/**
 * Failed logins in a row, per account, in authCache. One script on one key counts an attempt as a failure **before** the
 * password is looked at, so that a hundred guesses at once get no further than a hundred in turn. Accounts that do not
 * exist are counted alike.
 *
 * While it is locked, strangers change nothing: no attempt counts, extends the lock, or keeps the record alive. A known
 * device of the owner has a count of its own, which no lock closes; its login lifts no lock for strangers either.
 *
 * Locks of tier 20 and above are the caller's to write to SQL (`durable`), and to hand back (`remembered`): whoever
 * empties Redis gets fewer than 20 new guesses.
 */
@Injectable()
export class Lockout {
  private readonly ring: KeyRing;

  constructor(
    @InjectRedis('authCache') private readonly redis: PurposeRedis<'authCache'>,
    settings: AuthSettings,
    private readonly metrics: Metrics,
  ) {
    this.ring = new KeyRing(settings.accountPepper);
  }

  /** What an account is called here and in SQL: under each key of the ring, the newest first. */
  accountDigests(accountKey: string): readonly string[] {
    return this.ring.digests(DIGEST, accountKey);
  }

  /** @throws RedisUnavailableError; the attempt may have been counted */
  async reserve({ accountKey, knownDevice = false, remembered }: LoginAttempt): Promise<LockoutVerdict> {
    const [newest = '', ...older] = this.accountDigests(accountKey);
    const elsewhere = await this.underOlderKeys(older);
    const { failures, lockedUntilMs } = floorOf(elsewhere ?? remembered);
    const floor = [failures, lockedUntilMs, elsewhere ? 1 : 0];
    const rules = [LOCKOUT_IDLE_MS, knownDevice ? 1 : 0, MOST_DEVICE_FAILURES, ...floor, ...TIERS];
    const verdict = verdictOf(await reserveAttempt.run(this.redis, [keyOf(newest)], rules));
    this.metrics.authLockout.inc({ outcome: outcomeOf(verdict), tier: verdict.tier });
    return verdict;
  }

  /**
   * The password was right. Where it was not `byDevice`, the caller lifts what SQL has as well.
   *
   * @throws RedisUnavailableError; asking again is safe, and not asking is the strict side
   */
  async succeeded(accountKey: string, { byDevice }: LockoutVerdict): Promise<void> {
    if (byDevice) await this.settle(accountKey, 'device');
    else await this.lift(accountKey);
  }

  /** The password was not looked at, for want of room or of a server: the attempt does not count. @throws RedisUnavailableError */
  async unasked(accountKey: string, { allowed, byDevice, lockEndsAtMs }: LockoutVerdict): Promise<void> {
    if (!allowed) return;
    await this.settle(accountKey, byDevice ? 'unasked-device' : 'unasked', lockEndsAtMs);
  }

  /**
   * Lifts a lock, and forgets all failures. After a reset or an administrator's word the name is another one, and this is
   * for the sake of memory.
   *
   * @throws RedisUnavailableError; asking again is safe
   */
  async unlock(accountKey: string): Promise<void> {
    await this.lift(accountKey);
  }

  private async lift(accountKey: string): Promise<void> {
    const [newest = '', ...older] = this.accountDigests(accountKey);
    for (const digest of older) await this.redis.unlink(keyOf(digest));
    const lifted = await settleAttempt.run(this.redis, [keyOf(newest)], ['lift', LIFTED_MS]);
    if (lifted) this.metrics.authLockout.inc({ outcome: 'lifted', tier: 0 });
  }

  private async settle(accountKey: string, how: string, lockEndsAtMs = 0): Promise<void> {
    const [newest = ''] = this.accountDigests(accountKey);
    await settleAttempt.run(this.redis, [keyOf(newest)], [how, lockEndsAtMs]);
  }

  /** Counted by an instance that has not got the newest key yet, or before there was one. The strongest of them. */
  private async underOlderKeys(digests: readonly string[]): Promise<DurableLockout | undefined> {
    const records = await Promise.all(
      digests.map((digest) => this.redis.hmget(keyOf(digest), 'failures', 'until')),
    );
    const found = records.filter(([failures]) => failures !== null);
    if (found.length === 0) return undefined;
    const highest = (at: number): number => Math.max(...found.map((record) => Number(record[at]) || 0));
    return { failures: highest(0), lockedUntilMs: highest(1) };
  }
}

function keyOf(digest: string): string {
  return `auth:{lo:${digest}}`;
}

function floorOf(remembered: DurableLockout | undefined): { failures: number; lockedUntilMs: number } {
  if (!remembered) return { failures: 0, lockedUntilMs: 0 };
  const { failures, lockedUntilMs } = remembered;
  if (lockedUntilMs === undefined) return { failures: Math.max(failures, HELD_TIER), lockedUntilMs: 0 };
  return { failures, lockedUntilMs: Math.ceil(lockedUntilMs) };
}

function verdictOf({ outcome, failures, lockEndsAtMs, waitMs }: AttemptReply): LockoutVerdict {
  const tier = tierOf(failures);
  const held = tier === HELD_TIER;
  const counted = outcome === 'counted';
  const lockedUntilMs = held ? undefined : lockEndsAtMs;
  return {
    allowed: outcome !== 'locked',
    byDevice: outcome === 'device',
    tier,
    retryAfterMs: outcome === 'locked' ? (held ? undefined : waitMs) : 0,
    durable: counted && tier >= LEAST_DURABLE_TIER ? { failures, lockedUntilMs } : undefined,
    lockEndsAtMs: counted ? lockEndsAtMs : 0,
  };
}

function outcomeOf({ allowed, byDevice }: LockoutVerdict): string {
  if (byDevice) return 'known-device';
  return allowed ? 'counted' : 'locked';
}
