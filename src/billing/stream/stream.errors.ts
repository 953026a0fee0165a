import { AppError } from '../../kernel/errors.js';

/** 503: this process holds as many streams as BILLING_SSE_MAX_CONNECTIONS says, or is about to end. */
export class StreamsFullError extends AppError {
  readonly code = 'STREAMS_FULL';
  readonly status = 503;
  readonly slug = 'temporary-reduced-capacity';
  readonly title = 'Temporarily reduced capacity';

  constructor(
    detail: string,
    override readonly retryAfterMs: number,
  ) {
    super(detail);
  }
}

/** 400: a cursor has two numbers of an entry and the number among the tenant's, or there is none. */
export class CursorInvalidError extends AppError {
  readonly code = 'CURSOR_INVALID';
  readonly status = 400;
  readonly slug = 'invalid-cursor';
  readonly title = 'The cursor is not valid';

  /** @param place what it was given as, such as `Last-Event-ID` */
  constructor(place: string) {
    super(`${place} is no cursor of this service. Send one that an event brought, or none.`);
  }
}
