import { AppError } from '../kernel/errors.js';

export class UnknownPurposeError extends AppError {
  readonly code = 'UNKNOWN_PURPOSE';
  readonly status = 404;
  readonly slug = 'unknown-purpose';
  readonly title = 'No such compartment';

  constructor() {
    super('No module of this process uses a compartment of that name.');
  }
}
