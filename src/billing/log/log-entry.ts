import type { EntryId } from './entry-id.js';
import type { PackedText } from './packing.js';

/** Whose events nobody knows yet. They are kept, and may be given to a tenant later. */
export const UNASSIGNED = '_unassigned';

/** What is appended. */
export interface BillingEvent {
  /** Stripe's id of the event; of a thin event that has a snapshot twin, the twin's. Taken once. */
  readonly eventId: string;
  /** Stripe's name of what happened, such as `invoice.paid`. */
  readonly type: string;
  /** A UUID, or `_unassigned`. */
  readonly tenantId: string;
  /** `created` of the event, seconds since the epoch. */
  readonly createdS: number;
  /** Id of the object that the event is about; empty where it has none. */
  readonly objectId: string;
  /** What clients get: JSON in one line. */
  readonly data: string;
  /** JSON as it was received. */
  readonly raw: string | PackedText;
  /** It was there before, and is told once more. */
  readonly replayed?: boolean;
  /** With `replayed`: it is told once for this name, 1 to 64 letters, digits, - or _; without, each time. */
  readonly replayId?: string;
}

/** An entry as it is read back, without the raw event. */
export interface LogEntry extends Omit<BillingEvent, 'raw' | 'replayed' | 'replayId'> {
  readonly id: EntryId;
  /** The entry's number among the entries of its tenant, from 1. */
  readonly tenantSequence: number;
  /** An event of the same object with a later `created` stood before it. */
  readonly stale: boolean;
  readonly replayed: boolean;
}
