import { Injectable } from '@nestjs/common';
import type { Subjects } from '../../rate-limit/index.js';
import { Metrics } from '../../telemetry/index.js';
import { AttemptLimiter } from './attempt-limiter.js';
import type { Flow, FlowSubjects } from './flow-policies.js';
import { TooManyAttemptsError } from './too-many-attempts.error.js';

/** The quotas of what mails, hashes or asks for a password, beside the login. */
@Injectable()
export class FlowGate {
  constructor(
    private readonly attempts: AttemptLimiter,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Spends one of each quota of the flow, or of none.
   *
   * @throws TooManyAttemptsError (429) where one is used up; RedisUnavailableError (503), and it may have been spent
   */
  async spend<F extends Flow>(flow: F, subjects: FlowSubjects<F>): Promise<void> {
    const { allowed, retryAfterMs = 0 } = await this.attempts.limiter.check(
      `flow-${flow}`,
      subjects as Subjects,
    );
    this.metrics.authThrottle.inc({ flow, outcome: allowed ? 'allowed' : 'denied' });
    if (!allowed) throw new TooManyAttemptsError(retryAfterMs);
  }
}
