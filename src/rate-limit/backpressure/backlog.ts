import { DeclarationError } from '../declaration-error.js';
import { BACKLOG_NAME } from '../name-rule.js';

/** Work that waits, and when there is too much of it. */
export interface Backlog {
  /** What waits now, in any unit. Asked in the background, never by a request. */
  readonly depth: () => number | Promise<number>;
  /** Above this, work is turned away, until four fifths of it or less are left. */
  readonly mark: number;
  /** What those are told who are turned away, milliseconds. Unset: 5 s. */
  readonly retryAfterMs?: number;
  /** Unset: 503. */
  readonly status?: 503 | 429;
  /** Between two readings, milliseconds, at least 50. Unset: 1 s. */
  readonly pollMs?: number;
}

const SHORTEST_POLL_MS = 50;

/** A backlog that cannot be watched, or that nobody has registered; the application does not start. */
export class BacklogError extends DeclarationError {
  protected readonly subject = 'backlogs';
}

/** @throws BacklogError with every fault */
export function assertBacklog(
  name: string,
  { mark, retryAfterMs = 1, pollMs = 1000, status }: Backlog,
): void {
  const faults = [
    ...(BACKLOG_NAME.fits(name) ? [] : [BACKLOG_NAME.text]),
    ...(Number.isFinite(mark) && mark > 0 ? [] : [`mark ${mark} must be a number above 0`]),
    ...(retryAfterMs > 0 ? [] : [`retryAfterMs ${retryAfterMs} must be above 0`]),
    ...(pollMs >= SHORTEST_POLL_MS ? [] : [`pollMs ${pollMs} must be at least ${SHORTEST_POLL_MS}`]),
    ...(status === undefined || status === 503 || status === 429
      ? []
      : [`status ${String(status)} must be 503 or 429`]),
  ];
  if (faults.length > 0) throw new BacklogError(faults.map((fault) => `Backlog "${name}": ${fault}`));
}
