import { AppError } from '../kernel/errors.js';

/**
 * Whatever is wrong with a token: unknown, expired, used, of another kind, of another ring, not a token at all. One
 * answer for all of them, since the difference would tell a stranger what exists.
 */
export class TokenInvalidError extends AppError {
  readonly code = 'TOKEN_INVALID';
  readonly status = 400;
  readonly slug = 'invalid-or-expired-token';
  readonly title = 'Invalid or expired token';

  constructor() {
    super('This token is not valid, or not any more. Ask for a new one.');
  }
}

/** Somebody else is using this very token now. It is valid again later if they do not finish. */
export class TokenInUseError extends AppError {
  readonly code = 'TOKEN_IN_USE';
  readonly status = 409;
  readonly slug = 'token-in-use';
  readonly title = 'Token in use';

  /** @param retryAfterMs until whoever uses it must have finished */
  constructor(override readonly retryAfterMs: number) {
    super('This token is being used by another request. Try again when that one has ended.');
  }
}

/** A signed request that cannot be let in once more, whoever sends it. */
export abstract class RefusedRequestError extends AppError {
  readonly status = 401;

  override get headers(): Record<string, string> {
    return { 'www-authenticate': 'Bearer error="invalid_token"' };
  }
}

export class ReplayedNonceError extends RefusedRequestError {
  readonly code = 'REPLAYED_NONCE';
  readonly slug = 'replayed-nonce';
  readonly title = 'Request already used';

  constructor() {
    super('The nonce of this signed request was used before. Sign the request anew, with another nonce.');
  }
}

/**
 * Nobody can say any more whether a request of that age was let in before: the nonces were lost, or the key is used for
 * the first time.
 */
export class ReplayStateLostError extends RefusedRequestError {
  readonly code = 'REPLAY_STATE_LOST';
  readonly slug = 'replay-state-lost';
  readonly title = 'Request too old to be told from a replay';

  /** @param retryAfterMs a request signed after this is let in */
  constructor(override readonly retryAfterMs: number) {
    super(
      'Requests that were signed before this moment are not accepted for this key. Sign the request anew.',
    );
  }
}

export class StaleRequestError extends RefusedRequestError {
  readonly code = 'STALE_REQUEST';
  readonly slug = 'stale-request';
  readonly title = 'Request outside its time';

  constructor() {
    super(
      'This signed request is not valid yet, not any more, or for too long. Check the clock and sign it anew.',
    );
  }
}
