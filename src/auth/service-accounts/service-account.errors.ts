import { AppError } from '../../kernel/errors.js';

/** 401 for whatever is wrong with a signed request but its time and its nonce: a stranger is not told what it was. */
export class InvalidSignatureError extends AppError {
  readonly code = 'INVALID_SIGNATURE';
  readonly status = 401;
  readonly slug = 'invalid-signature';
  readonly title = 'The request is not signed as it should be';

  constructor() {
    super(
      'Sign exactly this request (method, path with query, body) with the key of the account; ' +
        'Authorization and X-Vault-Payload belong there once each.',
    );
  }

  override get headers(): Record<string, string> {
    return { 'www-authenticate': 'Bearer error="invalid_token"' };
  }
}

/** Why Vault could not be asked. For logs; nothing of what Vault said. */
export type VaultFault =
  'unreachable' | 'timeout' | 'refused' | 'redirect' | 'foreign-answer' | 'busy' | 'no-token';

/** 503: whether the signature is right cannot be found out now. The nonce is not used up. */
export class DependencyUnavailableError extends AppError {
  readonly code = 'DEPENDENCY_UNAVAILABLE';
  readonly status = 503;
  readonly slug = 'dependency-unavailable';
  readonly title = 'A service that this one needs is unavailable';
  override readonly retryAfterMs: number;

  constructor(
    readonly reason: VaultFault,
    retryAfterMs: number,
  ) {
    super('Signatures cannot be verified at the moment. Send the request again later.');
    this.retryAfterMs = retryAfterMs;
  }
}
