import type { Observable } from 'rxjs';
import type { PurposeStatus } from './status.types.js';

/**
 * What may be known about every active compartment, for health, logs, metrics and the console. It only
 * looks: there is no client to be had here and nothing that repairs.
 */
export abstract class RedisStatus {
  /** The active purposes in the order of the table. */
  abstract all(): readonly PurposeStatus[];
  /** @throws Error for a purpose that is not active */
  abstract of(purpose: string): PurposeStatus;
  /** The present status, then every change of state, reason or proof. */
  abstract changes(purpose: string): Observable<PurposeStatus>;
  /** The readiness rule: false when a required purpose is down, or when every purpose is. */
  abstract ready(): boolean;
  /** READINESS_REQUIRED_PURPOSES. */
  abstract readonly required: readonly string[];
}
