import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { AppError } from '../kernel/errors.js';

export interface FieldError {
  /** Path of the field, such as `items.0.email`. */
  readonly field: string;
  /** Names of the rules it breaks, such as `isEmail`. */
  readonly rules: readonly string[];
}

/** The body was understood but breaks rules. Says which; a value is never echoed. */
export class ValidationFailedError extends AppError {
  readonly code = 'VALIDATION_FAILED';
  readonly status = 422;
  readonly slug = 'validation-failed';
  readonly title = 'The request breaks rules';

  constructor(readonly errors: readonly FieldError[]) {
    super('Some fields are missing, malformed or unknown; see errors.');
  }

  override get extensions(): Record<string, unknown> {
    return { errors: this.errors };
  }
}

/** Unknown names come from the caller; neither their length nor their number may blow up the answer. */
const MAX_NAME = 80;
const MAX_ERRORS = 50;

export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    transform: true,
    validationError: { target: false, value: false },
    exceptionFactory: (errors) => new ValidationFailedError(flatten(errors).slice(0, MAX_ERRORS)),
  });
}

function flatten(errors: readonly ValidationError[], parent = ''): FieldError[] {
  return errors.flatMap((error) => {
    const field = parent + error.property.slice(0, MAX_NAME);
    const rules = Object.keys(error.constraints ?? {});
    const children = flatten(error.children ?? [], `${field}.`);
    return rules.length > 0 ? [{ field, rules }, ...children] : children;
  });
}
