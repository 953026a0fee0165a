import { AppError } from '../../kernel/errors.js';

/** No such tenant, or one that the caller is no member of: both look alike. 404. */
export class TenantNotFoundError extends AppError {
  readonly code = 'TENANT_NOT_FOUND';
  readonly status = 404;
  readonly slug = 'not-found';
  readonly title = 'Not found';

  constructor() {
    super('There is no such tenant among yours.');
  }
}

/** The tenant has no such member or invitation. 404. */
export class NotInTenantError extends AppError {
  readonly code = 'NOT_IN_TENANT';
  readonly status = 404;
  readonly slug = 'not-found';
  readonly title = 'Not found';

  constructor(what: 'member' | 'invitation') {
    super(`The tenant has no such ${what}.`);
  }
}

/** The caller's role in the tenant does not allow it. 403. */
export class RoleForbidsError extends AppError {
  readonly code = 'ROLE_FORBIDS';
  readonly status = 403;
  readonly slug = 'forbidden';
  readonly title = 'Forbidden';

  constructor() {
    super('Your role in this tenant does not allow this; ask one of its owners.');
  }
}

/** A tenant without an owner could never be administered again. 409; nothing was changed. */
export class LastOwnerError extends AppError {
  readonly code = 'LAST_OWNER';
  readonly status = 409;
  readonly slug = 'last-owner';
  readonly title = 'The last owner stays';

  constructor() {
    super('This is the only owner of the tenant; make another member an owner first.');
  }
}

/** A tenant has as many members, or open invitations, as it may have. 409; nothing was changed. */
export class TenantFullError extends AppError {
  readonly code = 'TENANT_FULL';
  readonly status = 409;
  readonly slug = 'tenant-full';
  readonly title = 'The tenant is full';

  constructor(what: 'members' | 'open invitations' | 'tenants', most: number) {
    super(`There are ${most} ${what} already, which is the most.`);
  }
}

/** 403, said only to whom the invitation was sent: the account has its address, and has not proven it. Nothing was used up. */
export class InvitedAddressUnverifiedError extends AppError {
  readonly code = 'EMAIL_NOT_VERIFIED';
  readonly status = 403;
  readonly slug = 'email-not-verified';
  readonly title = 'The e-mail address is not confirmed';

  constructor() {
    super('Confirm your e-mail address first; the invitation stays valid.');
  }
}

/** Unknown, over, withdrawn, accepted by somebody else or meant for another address: all look alike. 400. */
export class InvitationInvalidError extends AppError {
  readonly code = 'INVITATION_INVALID';
  readonly status = 400;
  readonly slug = 'invalid-or-expired-token';
  readonly title = 'The token is invalid or has expired';

  constructor() {
    super('The invitation is not valid any more, or is meant for another address; ask for a new one.');
  }
}
