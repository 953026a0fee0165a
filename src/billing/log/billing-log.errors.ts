import { AppError } from '../../kernel/errors.js';

/** What should be kept cannot be told from other events, or not be read back. Nothing was kept of it. */
export class BillingEventRefusedError extends AppError {
  readonly code = 'BILLING_EVENT_REFUSED';
  readonly status = 422;
  readonly slug = 'billing-event-refused';
  readonly title = 'This event cannot be kept';

  /** @param field of BillingEvent @param rule what it breaks; completes "its … " */
  constructor(
    readonly field: string,
    rule: string,
  ) {
    super(`The event was not kept: its ${field} ${rule}.`);
  }
}
