import { Inject, Injectable } from '@nestjs/common';
import { KeyRing } from '../../kernel/key-ring.js';
import { Secret } from '../../kernel/redact.js';
import type { Clock } from '../../kernel/time.js';
import { type RateLimiter, createRateLimiter } from '../../rate-limit/index.js';
import { InjectRedis, type PurposeRedis } from '../../redis/index.js';
import { CLOCK, Metrics } from '../../telemetry/index.js';
import { AuthSettings } from '../auth.config.js';
import { FLOW_POLICIES } from './flow-policies.js';
import { LOGIN_POLICIES } from './login-policies.js';

const POLICIES = { ...LOGIN_POLICIES, ...FLOW_POLICIES };

/**
 * The limiter of logins and other flows, on authCache: closed, so that nobody passes uncounted while Redis is away.
 *
 * Its digests are made with the newest key of AUTH_ACCOUNT_PEPPER. A new key begins new counts: while instances still
 * differ in it, a client has the limits twice. The lockout, which bounds the guesses, has not (`Lockout`).
 */
@Injectable()
export class AttemptLimiter {
  readonly limiter: RateLimiter<typeof POLICIES>;

  constructor(
    @InjectRedis('authCache') client: PurposeRedis<'authCache'>,
    settings: AuthSettings,
    metrics: Metrics,
    @Inject(CLOCK) clock: Clock,
  ) {
    const secret = new Secret(new KeyRing(settings.accountPepper).digest('throttle', 'key'));
    this.limiter = createRateLimiter({
      policies: POLICIES,
      client,
      prefix: 'auth:{th}',
      secret,
      metrics,
      clock,
    });
  }
}
