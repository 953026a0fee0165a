import { Injectable } from '@nestjs/common';
import { DatabaseUnavailableError } from '../../database/index.js';
import { AppError } from '../../kernel/errors.js';
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
   * Spends one of each quota of the flow, or of none, and gives it back where the work then cannot be done: an outage uses
   * up nobody's quota. Only what the caller is told decides, a 503. Where SQL may have kept the work it stays spent: the
   * mail may leave.
   *
   * @param work where it tells a guess that it was wrong, it throws something else than a 503. It calls `keep` once it has
   *   made a hash, which only the quota bounds: what fails from then on stays spent
   * @throws TooManyAttemptsError (429) where one is used up; RedisUnavailableError (503), and it may have been spent; and
   *   what `work` throws
   */
  async spendFor<F extends Flow, T>(
    flow: F,
    subjects: FlowSubjects<F>,
    work: (keep: () => void) => Promise<T>,
  ): Promise<T> {
    await this.spend(flow, subjects);
    let kept = false;
    try {
      return await work(() => (kept = true));
    } catch (error) {
      // What cannot be told to Redis now stays spent: the strict side.
      if (!kept && isUndone(error))
        await this.attempts.limiter.refund(`flow-${flow}`, subjects as Subjects).catch(() => undefined);
      throw error;
    }
  }

  private async spend<F extends Flow>(flow: F, subjects: FlowSubjects<F>): Promise<void> {
    const { allowed, retryAfterMs = 0 } = await this.attempts.limiter.check(
      `flow-${flow}`,
      subjects as Subjects,
    );
    this.metrics.authThrottle.inc({ flow, outcome: allowed ? 'allowed' : 'denied' });
    if (!allowed) throw new TooManyAttemptsError(retryAfterMs);
  }
}

function isUndone(error: unknown): boolean {
  if (!(error instanceof AppError) || error.status !== 503) return false;
  return !(error instanceof DatabaseUnavailableError && error.maybeExecuted);
}
