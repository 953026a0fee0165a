import { AppError } from '../kernel/errors.js';

/** 401 for a wrong password, an unknown account and a locked one alike. */
export class InvalidCredentialsError extends AppError {
  readonly code = 'INVALID_CREDENTIALS';
  readonly status = 401;
  readonly slug = 'invalid-credentials';
  readonly title = 'E-mail address or password is wrong';

  constructor() {
    super('There is no account with this address and password, or it takes no logins at the moment.');
  }
}

/** 403, said only to whoever knows the password, and to administrators. */
export class AccountDisabledError extends AppError {
  readonly code = 'ACCOUNT_DISABLED';
  readonly status = 403;
  readonly slug = 'account-disabled';
  readonly title = 'The account is disabled';

  constructor() {
    super('An administrator has disabled this account.');
  }
}

/** 401: the refresh token is none of ours, has expired, or its session has ended. */
export class InvalidRefreshTokenError extends AppError {
  readonly code = 'INVALID_TOKEN';
  readonly status = 401;
  readonly slug = 'invalid-token';
  readonly title = 'The refresh token is not valid';

  constructor() {
    super('Log in again.');
  }
}

/** 401: somebody else has a token of this login, so that it has ended for both. */
export class TokenReuseError extends AppError {
  readonly code = 'TOKEN_REUSE';
  readonly status = 401;
  readonly slug = 'token-reuse';
  readonly title = 'The refresh token was used before';

  constructor() {
    super('This login has ended, because its refresh token was used twice. Log in again.');
  }
}
