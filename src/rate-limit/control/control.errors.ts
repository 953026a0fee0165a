import { AppError } from '../../kernel/errors.js';

/** What an operator asked for breaks rules: nothing was changed. */
export class InvalidRulingError extends AppError {
  readonly code = 'INVALID_RULING';
  readonly status = 422;
  readonly slug = 'invalid-ruling';
  readonly title = 'The ruling breaks rules';

  /** @param faults one sentence each; no subject stands in them */
  constructor(readonly faults: readonly string[]) {
    super(faults.join(' '));
  }

  override get extensions(): Record<string, unknown> {
    return { faults: this.faults };
  }
}

/** Every instance holds all blocks and overrides in memory, so their number is bounded: nothing was changed. */
export class TooManyRulingsError extends AppError {
  readonly code = 'TOO_MANY_RULINGS';
  readonly status = 409;
  readonly slug = 'too-many-rulings';
  readonly title = 'There are too many of them';

  constructor(
    readonly kind: 'blocks' | 'overrides',
    readonly most: number,
  ) {
    super(`There are ${most} ${kind} already, which is the most; lift some first.`);
  }
}
