import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { AuthSettings } from '../auth.config.js';

/**
 * Answers that must not tell whether an address has an account. What is done differs (a row or none, a token or none),
 * so the answer waits for a moment that is the same for both.
 */
@Injectable()
export class UniformTime {
  constructor(
    private readonly settings: AuthSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** As long as AUTH_UNIFORM_ANSWER_MS at least, also where the work fails. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const over = new Promise<void>((resolve) => this.clock.after(this.settings.uniformAnswerMs, resolve));
    try {
      return await work();
    } finally {
      await over;
    }
  }
}
