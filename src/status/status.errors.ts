import { AppError } from '../kernel/errors.js';

/** A target that nothing is ever sent to. 422; nothing was stored, nothing was sent. */
export class InvalidTargetError extends AppError {
  readonly code = 'INVALID_TARGET';
  readonly status = 422;
  readonly slug = 'validation-failed';
  readonly title = 'The request breaks rules';

  /** @param rule completes "target must …"; the value itself is never quoted */
  constructor(readonly rule: string) {
    super(`target must ${rule}.`);
  }

  override get extensions(): Record<string, unknown> {
    return { errors: [{ field: 'target', rules: [this.rule], message: `target must ${this.rule}` }] };
  }
}

/** 404: there is none, or it is another tenant's, which looks the same. */
export class SubscriptionNotFoundError extends AppError {
  readonly code = 'SUBSCRIPTION_NOT_FOUND';
  readonly status = 404;
  readonly slug = 'not-found';
  readonly title = 'Not found';

  constructor() {
    super('Your tenant has no such subscription.');
  }
}

/** 409: the id stands for an incident that says something else. Nothing was stored. */
export class IncidentConflictError extends AppError {
  readonly code = 'INCIDENT_CONFLICT';
  readonly status = 409;
  readonly slug = 'incident-conflict';
  readonly title = 'Another incident has this id';

  constructor() {
    super('An incident of this id says something else. Choose another id, or none.');
  }
}

/** 400 for a POST to a one-click link that is not one click (RFC 8058). */
export class NotOneClickError extends AppError {
  readonly code = 'NOT_ONE_CLICK';
  readonly status = 400;
  readonly slug = 'malformed-body';
  readonly title = 'Not a one-click request';

  constructor() {
    super('Send the form List-Unsubscribe=One-Click, as RFC 8058 says.');
  }
}
