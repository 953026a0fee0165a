import { Inject, Injectable } from '@nestjs/common';
import { KeyRing } from '../../kernel/key-ring.js';
import { Secret } from '../../kernel/redact.js';
import type { Clock } from '../../kernel/time.js';
import { RateLimitExceededError, type RateLimiter, createRateLimiter } from '../../rate-limit/index.js';
import { InjectRedis, type PurposeRedis } from '../../redis/index.js';
import { CLOCK, Metrics } from '../../telemetry/index.js';
import { StatusSettings } from '../status.config.js';
import { STATUS_POLICIES } from '../status.limits.js';
import type { Channel } from '../status.tables.js';
import { type Target, targetOf } from './target.js';

/**
 * Judges targets, and keeps the quota of asking for subscriptions, on securityTokens: closed, as the tokens that are then issued. A new key of
 * STATUS_PII_KEYS begins new counts.
 */
@Injectable()
export class SubscribeGate {
  private readonly limiter: RateLimiter<typeof STATUS_POLICIES>;

  constructor(
    @InjectRedis('securityTokens') client: PurposeRedis<'securityTokens'>,
    private readonly settings: StatusSettings,
    metrics: Metrics,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.limiter = createRateLimiter({
      policies: STATUS_POLICIES,
      client,
      prefix: 'st:{status}',
      secret: new Secret(new KeyRing(settings.piiKeys).digest('quota', 'key')),
      metrics,
      clock,
    });
  }

  /**
   * @param text the target as it was typed
   * @param address of whoever asks
   * @throws InvalidTargetError (422); RateLimitExceededError (429); RedisUnavailableError (503), and the quota may
   *   have been spent
   */
  async admit(channel: Channel, text: string, address: string): Promise<Target> {
    const target = targetOf(channel, text, this.settings);
    const subjects = { account: `${channel} ${target.key}`, ip: address };
    const decision = await this.limiter.check('status-subscribe', subjects);
    if (!decision.allowed) throw new RateLimitExceededError(decision);
    return target;
  }
}
