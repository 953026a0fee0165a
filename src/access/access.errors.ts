import { AppError } from '../kernel/errors.js';

/** Why a request was not let in. For logs and metrics; the caller is told the same for all of them. */
export const ACCESS_DENIALS = [
  'missing',
  'malformed',
  'foreign',
  'expired',
  'unknown-session',
  'other-epoch',
] as const;
export type AccessDenial = (typeof ACCESS_DENIALS)[number];

/** 401: there is no valid access token. Says nothing of the reason, which would help only whoever tries tokens. */
export class InvalidTokenError extends AppError {
  readonly code = 'INVALID_TOKEN';
  readonly status = 401;
  readonly slug = 'invalid-token';
  readonly title = 'The access token is not valid';

  constructor(readonly reason: AccessDenial) {
    super(
      'Send an access token as "Authorization: Bearer …"; when it has expired, refresh it or log in again.',
    );
  }

  override get headers(): Record<string, string> {
    // RFC 6750 §3.1: whoever sent no credentials is told no error.
    return { 'www-authenticate': this.reason === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"' };
  }
}

/** 403: the token is valid and does not allow this. */
export class ForbiddenError extends AppError {
  readonly code = 'FORBIDDEN';
  readonly status = 403;
  readonly slug = 'forbidden';
  readonly title = 'Not allowed';

  /** @param missing scopes that would be needed; none where it is not a matter of scopes */
  constructor(
    detail: string,
    readonly missing: readonly string[] = [],
  ) {
    super(detail);
  }

  override get headers(): Record<string, string> {
    if (this.missing.length === 0) return {};
    return { 'www-authenticate': `Bearer error="insufficient_scope", scope="${this.missing.join(' ')}"` };
  }
}
