import { AppError } from '../../kernel/errors.js';

/** The quota of a login or another flow is used up. The lock of an account is told to nobody: it looks like a wrong password. */
export class TooManyAttemptsError extends AppError {
  readonly code = 'TOO_MANY_ATTEMPTS';
  readonly status = 429;
  readonly slug = 'too-many-attempts';
  readonly title = 'Too many attempts';
  override readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('There were too many attempts. Try again later; Retry-After says when.');
    this.retryAfterMs = retryAfterMs;
  }
}
