import { AppError } from '../../kernel/errors.js';
import type { LockOwner } from './owned-lock.js';

/** Two at a time would fetch and tell everything twice. 409; nothing was done. */
export class AlreadyRunningError extends AppError {
  readonly code = 'ALREADY_RUNNING';
  readonly status = 409;
  readonly slug = 'already-running';
  readonly title = 'Only one at a time';

  /** @param what the work, as the beginning of a sentence: `A backfill` */
  constructor(
    what: string,
    readonly owner: LockOwner,
  ) {
    super(
      `${what} is running: ${owner.name} has it since ${new Date(owner.sinceMs).toISOString()}. ` +
        `If that process has died, its lock, ${owner.key} in the Redis of billingEvents, ends within ` +
        `${Math.ceil(owner.livesMs / 1000)} seconds.`,
    );
  }

  override get extensions(): Record<string, unknown> {
    return { owner: this.owner.name };
  }
}

/** There is nothing to ask Stripe with. 409; nothing was done. */
export class StripeKeyMissingError extends AppError {
  readonly code = 'STRIPE_KEY_MISSING';
  readonly status = 409;
  readonly slug = 'stripe-key-missing';
  readonly title = 'No key of Stripe';

  constructor() {
    super(
      'A backfill asks Stripe, and STRIPE_SECRET_KEY is not set. Give a key that may read events, or STRIPE_SECRET_KEY_FILE.',
    );
  }
}

/** Stripe answers, and will not do it. 502; asking again does not help. */
export class StripeRefusedError extends AppError {
  readonly code = 'STRIPE_REFUSED';
  readonly status = 502;
  readonly slug = 'stripe-refused';
  readonly title = 'Stripe refused';

  /** @param refusal HTTP status of Stripe */
  constructor(
    readonly refusal: number,
    readonly reason?: string,
  ) {
    super(whyRefused(refusal));
  }
}

function whyRefused(status: number): string {
  if (status === 401 || status === 403)
    return `Stripe refused the key (${status}). Look at STRIPE_SECRET_KEY: it has to be of this account and may read events.`;
  if (status < 400)
    return (
      `What stands at STRIPE_API_BASE redirects elsewhere (${status}), and STRIPE_SECRET_KEY is sent nowhere else. ` +
      'Give the address that it leads to, or leave STRIPE_API_BASE out: https://api.stripe.com.'
    );
  return `Stripe refused to list events (${status}). Look at the requests of the key in its dashboard.`;
}

/** Stripe does not answer, or not with what a list of events is. 502; what was fetched is kept, and a new start goes on. */
export class StripeUnavailableError extends AppError {
  readonly code = 'STRIPE_UNAVAILABLE';
  readonly status = 502;
  readonly slug = 'stripe-unavailable';
  readonly title = 'Stripe does not answer';

  /** @param why completes "Stripe …"; nothing that Stripe said @param remedy what to do before, a sentence */
  constructor(why: string, remedy?: string) {
    const before = remedy === undefined ? '' : `${remedy} `;
    super(`Stripe ${why}. ${before}What was fetched before is kept: start again to go on from there.`);
  }
}

/** The work went to another process while this one could not renew its lock. 503; that one goes on. */
export class LockLostError extends AppError {
  readonly code = 'LOCK_LOST';
  readonly status = 503;
  readonly slug = 'lock-lost';
  readonly title = 'The lock is lost';

  constructor() {
    super('The lock of this work could not be renewed in time, so it was stopped. Start again to go on.');
  }
}

/** It was told to end. 503; a new start goes on. */
export class InterruptedError extends AppError {
  readonly code = 'INTERRUPTED';
  readonly status = 503;
  readonly slug = 'shutting-down';
  readonly title = 'Interrupted';

  constructor() {
    super('The work was interrupted. Start again to go on.');
  }
}

/** A work did not come to its end. 503, of the type that its cause has. */
abstract class StoppedError extends AppError {
  readonly status = 503;
  readonly slug: string;
  readonly title: string;
  override readonly retryAfterMs: number | undefined;

  /** @param state what became of the work, and what to do: sentences */
  constructor(
    override readonly cause: AppError,
    state: string,
  ) {
    super(`${cause.message} ${state}`);
    this.slug = cause.slug;
    this.title = cause.title;
    this.retryAfterMs = cause.retryAfterMs;
  }

  override get extensions(): Record<string, unknown> {
    return { ...this.cause.extensions };
  }
}

/** A replay did not come to its end: the same request with its id goes on, and tells nothing twice. */
export class ReplayStoppedError extends StoppedError {
  readonly code = 'REPLAY_STOPPED';

  /** @param next where to go on, as `after`; unset: from the beginning */
  constructor(
    cause: AppError,
    readonly replayId: string,
    readonly next?: string,
  ) {
    super(
      cause,
      `Replay ${replayId} stopped before its end. Give the same request with the id ${replayId} to go on: ` +
        'what was told is not told again.',
    );
  }

  override get extensions(): Record<string, unknown> {
    return { ...super.extensions, id: this.replayId, next: this.next ?? null };
  }
}

/** What is asked for contradicts itself. 422; nothing was done. */
export class SelectionError extends AppError {
  readonly code = 'SELECTION';
  readonly status = 422;
  readonly slug = 'selection';
  readonly title = 'Nothing can be selected by this';
}

/** No such backfill. 404. */
export class BackfillUnknownError extends AppError {
  readonly code = 'BACKFILL_UNKNOWN';
  readonly status = 404;
  readonly slug = 'not-found';
  readonly title = 'Not found';

  constructor() {
    super('There is no backfill of this id, or it was more than 35 days ago.');
  }
}

/**
 * The rebuild of a stream did not come to its end: the stream is as it was, or, where the answer to the last call is missing,
 * the new one may have taken its place. The same request goes on.
 */
export class RebuildStoppedError extends StoppedError {
  readonly code = 'REBUILD_STOPPED';
}

/** Somebody has deleted or changed what was built. 503; the stream is as it was, and a new start begins anew. */
export class RebuildChangedError extends AppError {
  readonly code = 'REBUILD_CHANGED';
  readonly status = 503;
  readonly slug = 'rebuild-changed';
  readonly title = 'What was built has changed';

  /** @param key in the Redis of billingEvents */
  constructor(key: string) {
    super(
      `What was built of the stream, at ${key} in the Redis of billingEvents, was deleted or changed by somebody else; the ` +
        'stream is as it was. See who writes below billing:{b}:, and start again: it begins anew.',
    );
  }
}
