import { Injectable } from '@nestjs/common';
import { canonicalAddress } from '../../rate-limit/index.js';
import { Metrics } from '../../telemetry/index.js';
import { AttemptLimiter } from './attempt-limiter.js';

export interface LoginOrigin {
  /** The one spelling of the e-mail address, whether it has an account or not. */
  readonly accountKey: string;
  /** Of the client, as the request has it. */
  readonly address: string;
  /** Of a known device of this owner (`KnownDevices.isKnown`): it spends its own limit in place of the account's. */
  readonly deviceId?: string | undefined;
}

export interface Reservation {
  readonly allowed: boolean;
  /** Until a further attempt makes sense, milliseconds; 0 where it was allowed. */
  readonly retryAfterMs: number;
  /**
   * Gives back what the account, the account at this address, or the device spent: after a right password, or where
   * none was looked at. The origin's share stays spent. Does so once; nothing where it was denied.
   *
   * @throws RedisUnavailableError; asking again does nothing, and having spent it is the strict side
   */
  refund(): Promise<void>;
}

/** Spends a login attempt in all dimensions at once, or in none, before its password is looked at. */
@Injectable()
export class LoginGate {
  constructor(
    private readonly attempts: AttemptLimiter,
    private readonly metrics: Metrics,
  ) {}

  /** @throws RedisUnavailableError; the attempt may have been spent */
  async reserve({ accountKey, address, deviceId }: LoginOrigin): Promise<Reservation> {
    const { limiter } = this.attempts;
    const subjects = {
      ip: address,
      account: accountKey,
      // An address in its one spelling has no space.
      accountAddress: `${canonicalAddress(address)} ${accountKey}`,
      ...(deviceId === undefined ? {} : { knownDevice: deviceId }),
    };
    const refundable = deviceId === undefined ? 'login-account' : 'login-device';
    const { allowed, retryAfterMs = 0 } = await limiter.check(['login-origin', refundable], subjects);
    this.metrics.authThrottle.inc({ flow: 'login', outcome: allowed ? 'allowed' : 'denied' });
    let spent = allowed;
    const refund = async (): Promise<void> => {
      if (!spent) return;
      spent = false;
      await limiter.refund(refundable, subjects);
    };
    return { allowed, retryAfterMs, refund };
  }
}
