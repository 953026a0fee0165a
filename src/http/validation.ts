import { type ArgumentMetadata, type Type, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { AppError } from '../kernel/errors.js';
import { isSaid, phraseOf } from './rule-phrases.js';

export interface FieldError {
  /** Path of the field, such as `items.0.email`. */
  readonly field: string;
  /** Names of the rules it breaks, such as `isEmail`. */
  readonly rules: readonly string[];
  /** What is allowed, a sentence for people: `limit must be a whole number from 1 to 100`. Never what was sent. */
  readonly message: string;
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

/**
 * Judges an empty query once for each class: what was right once is right, and most requests have none, while judging it
 * takes as long as much of the rest of a request.
 */
class RequestPipe extends ValidationPipe {
  private readonly withoutNeeds = new Set<Type>();

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { type, metatype, data } = metadata;
    if (type !== 'query' || data !== undefined || !metatype || !isEmpty(value))
      return super.transform(value, metadata);
    if (this.withoutNeeds.has(metatype)) return new metatype() as object;
    const judged: unknown = await super.transform(value, metadata);
    // Not where a decorator made something up, which may be another thing each time.
    if (judged instanceof metatype && Object.values(judged).every((field) => field === undefined))
      this.withoutNeeds.add(metatype);
    return judged;
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

export function createValidationPipe(): ValidationPipe {
  return new RequestPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    transform: true,
    // The class tells what is allowed; the object itself goes nowhere.
    validationError: { target: true, value: false },
    exceptionFactory: (errors) => new ValidationFailedError(flatten(errors).slice(0, MAX_ERRORS)),
  });
}

function flatten(errors: readonly ValidationError[], parent = ''): FieldError[] {
  return errors.flatMap((error) => {
    const field = parent + error.property.slice(0, MAX_NAME);
    const rules = Object.keys(error.constraints ?? {});
    const children = flatten(error.children ?? [], `${field}.`);
    return rules.length > 0 ? [{ field, rules, message: messageOf(error, field) }, ...children] : children;
  });
}

function messageOf({ constraints = {}, target, property }: ValidationError, field: string): string {
  if (Object.hasOwn(constraints, 'whitelistValidation')) return `${field} is not known here`;
  const broken = Object.keys(constraints);
  const owner = target?.constructor as (new () => object) | undefined;
  const phrase = broken.every(isSaid) && owner ? phraseOf(owner, property) : undefined;
  if (phrase !== undefined) return `${field} must be ${phrase}`;
  // The library's own sentence; what it says of a form is the regular expression.
  const other = broken.find((rule) => !isSaid(rule)) ?? broken.find((rule) => rule !== 'matches');
  const said = other === undefined ? undefined : constraints[other];
  return (said ?? `${property} is not what is expected here`).replace(property, () => field);
}
