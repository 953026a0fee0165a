import { AppError } from '../../kernel/errors.js';

/** Why a signature was not accepted. Stable: metrics use these words. */
export type SignatureFault = 'missing' | 'doubled' | 'malformed' | 'old' | 'future' | 'forged';

const DETAILS: Readonly<Record<SignatureFault, string>> = {
  missing: 'The Stripe-Signature header is missing.',
  doubled: 'There is more than one Stripe-Signature header.',
  malformed: 'The Stripe-Signature header does not have one time "t" and a signature "v1".',
  old: 'The signature is too old. Stripe signs each attempt anew; a copy that somebody kept is not accepted.',
  future: 'The signature comes from the future. Compare the clocks of sender and receiver.',
  forged: 'No secret of this endpoint made the signature for this body.',
};

/** The body does not show that it comes from Stripe. 400; nothing of it was read. */
export class SignatureRefusedError extends AppError {
  readonly code = 'SIGNATURE_REFUSED';
  readonly status = 400;
  readonly slug = 'signature-refused';
  readonly title = 'The signature is not accepted';

  constructor(readonly fault: SignatureFault) {
    super(DETAILS[fault]);
  }

  override get extensions(): Record<string, unknown> {
    return { reason: this.fault };
  }
}

/** The signature is right, and what it signs is no event. 400; nothing was kept. */
export class MalformedEventError extends AppError {
  readonly code = 'MALFORMED_EVENT';
  readonly status = 400;
  readonly slug = 'malformed-event';
  readonly title = 'The body is not an event';

  /** @param rule completes "The event must …"; no value is quoted */
  constructor(rule: string) {
    super(`The event must ${rule}.`);
  }
}

/** Nobody has said whose customer this is. 404. */
export class CustomerUnknownError extends AppError {
  readonly code = 'CUSTOMER_UNKNOWN';
  readonly status = 404;
  readonly slug = 'not-found';
  readonly title = 'Not found';

  constructor() {
    super('No tenant has this customer. PUT assigns it to one.');
  }
}

/** What is asked for as a customer cannot be the id of one. 400. */
export class CustomerIdError extends AppError {
  readonly code = 'CUSTOMER_ID';
  readonly status = 400;
  readonly slug = 'malformed-customer-id';
  readonly title = 'This is no id of a customer';

  constructor() {
    super(
      'An id of a customer has 1 to 255 letters, digits, points, hyphens and underscores, such as cus_NffrFeUfNV2Hib.',
    );
  }
}

/** A customer was to be given to a tenant that is not there. 404; nothing was changed. */
export class NoSuchTenantError extends AppError {
  readonly code = 'NO_SUCH_TENANT';
  readonly status = 404;
  readonly slug = 'not-found';
  readonly title = 'Not found';

  constructor() {
    super('There is no tenant of this id.');
  }
}
