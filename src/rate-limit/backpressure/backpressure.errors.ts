import { AppError } from '../../kernel/errors.js';

const USUAL_RETRY_MS = 5000;

/** More work waits than can be done soon: what would add to it is turned away. */
export class BackpressureError extends AppError {
  readonly code = 'BACKPRESSURE';
  readonly slug = 'temporary-reduced-capacity';
  readonly title = 'Temporarily reduced capacity';
  readonly status: 503 | 429;
  override readonly retryAfterMs: number;

  constructor({
    status = 503,
    retryAfterMs = USUAL_RETRY_MS,
  }: {
    readonly status?: 503 | 429;
    readonly retryAfterMs?: number;
  }) {
    super('More work is waiting than can be done soon. Come back later.');
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}
