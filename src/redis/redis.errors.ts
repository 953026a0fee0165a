import { AppError } from '../kernel/errors.js';

/** Why a compartment does not answer. Stable: alerts, logs and metrics use these words as labels. */
export const UNAVAILABLE_REASONS = [
  'refused',
  'timeout',
  'reset',
  'dns',
  'auth',
  'noperm',
  'tls',
  'readonly',
  'oom',
  'misconf',
  'loading',
  'busy',
  'maxclients',
  'protocol',
  'select',
  // Too few replicas have, or would have, the write.
  'noreplicas',
  // A part of the cluster has no primary.
  'clusterdown',
  // The servers are not arranged as the settings say.
  'topology',
  'other',
] as const;
export type UnavailableReason = (typeof UNAVAILABLE_REASONS)[number];

export interface UnavailableFacts {
  readonly purpose: string;
  readonly reason: UnavailableReason;
  readonly retryAfterMs: number;
  /** The command had been handed to the network: it may have run although no answer came. */
  readonly maybeExecuted: boolean;
}

/** The compartment cannot answer. Nothing is known about other compartments. */
export class RedisUnavailableError extends AppError {
  readonly code = 'REDIS_UNAVAILABLE';
  readonly status = 503;
  readonly slug = 'compartment-unavailable';
  readonly title = 'A part of the service is unavailable';
  readonly purpose: string;
  readonly reason: UnavailableReason;
  override readonly retryAfterMs: number;
  readonly maybeExecuted: boolean;

  constructor(facts: UnavailableFacts) {
    super(`The ${facts.purpose} compartment is unavailable (${facts.reason}).`);
    this.purpose = facts.purpose;
    this.reason = facts.reason;
    this.retryAfterMs = facts.retryAfterMs;
    this.maybeExecuted = facts.maybeExecuted;
  }

  override get extensions(): Record<string, unknown> {
    return { purpose: this.purpose, reason: this.reason };
  }
}

/** The server understood the connection but refused this command: wrong type, script error, bad argument. */
export class RedisCommandError extends AppError {
  readonly code = 'REDIS_COMMAND';
  readonly status = 500;
  readonly slug = 'internal-error';
  readonly title = 'Internal error';

  /** @param serverCode first word of the server's answer: WRONGTYPE, NOSCRIPT, BUSYGROUP, ERR … */
  constructor(
    readonly purpose: string,
    readonly command: string,
    readonly serverCode: string,
    text: string,
  ) {
    super(`${command} on ${purpose} failed: ${text}`);
  }
}

/** The caller asked for something that its compartment does not allow. A programming error; nothing was sent. */
export class RedisIsolationError extends AppError {
  readonly code = 'REDIS_ISOLATION';
  readonly status = 500;
  readonly slug = 'internal-error';
  readonly title = 'Internal error';

  constructor(
    readonly purpose: string,
    readonly command: string,
    rule: string,
  ) {
    super(`${command.toUpperCase()} on ${purpose} was not sent: ${rule}.`);
  }
}

/** A blocking read was cancelled by its AbortSignal. */
export class RedisAbortedError extends AppError {
  readonly code = 'REDIS_ABORTED';
  readonly status = 503;
  readonly slug = 'shutting-down';
  readonly title = 'The operation was cancelled';

  constructor(readonly purpose: string) {
    super(`A blocking read on ${purpose} was cancelled.`);
  }
}
