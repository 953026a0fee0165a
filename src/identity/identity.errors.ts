import { AppError } from '../kernel/errors.js';

/** There is no user of this id. 404. */
export class UserNotFoundError extends AppError {
  readonly code = 'USER_NOT_FOUND';
  readonly status = 404;
  readonly slug = 'not-found';
  readonly title = 'Not found';

  constructor() {
    super('There is no such user.');
  }
}

/** There is no service account of this id. 404. */
export class ServiceAccountNotFoundError extends AppError {
  readonly code = 'SERVICE_ACCOUNT_NOT_FOUND';
  readonly status = 404;
  readonly slug = 'not-found';
  readonly title = 'Not found';

  constructor() {
    super('There is no such service account.');
  }
}

/** A text that is to be stored breaks its rules. 422; nothing was stored. */
export class InvalidIdentityValueError extends AppError {
  readonly code = 'INVALID_IDENTITY_VALUE';
  readonly status = 422;
  readonly slug = 'validation-failed';
  readonly title = 'The request breaks rules';

  /**
   * @param field name of the field, for the caller
   * @param rule completes "<field> must …"; the value itself is never quoted
   */
  constructor(
    readonly field: string,
    readonly rule: string,
  ) {
    super(`${field} must ${rule}.`);
  }

  override get extensions(): Record<string, unknown> {
    return {
      errors: [{ field: this.field, rules: [this.rule], message: `${this.field} must ${this.rule}` }],
    };
  }
}

/** Another one has this name already. 409; nothing was stored. */
export class NameTakenError extends AppError {
  readonly code = 'NAME_TAKEN';
  readonly status = 409;
  readonly slug = 'name-taken';
  readonly title = 'The name is taken';

  constructor() {
    super('Another one has this name already; choose a different name.');
  }
}
