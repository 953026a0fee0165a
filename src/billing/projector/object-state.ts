import { type LogEntry, UNASSIGNED } from '../log/log-entry.js';
import type { ObjectKind } from './billing-objects.tables.js';

/** What an event says of the object that it is about. */
export interface ObjectState {
  readonly objectId: string;
  readonly kind: ObjectKind;
  readonly state: Readonly<Record<string, unknown>>;
  readonly usage: readonly unknown[];
  readonly deleted: boolean;
}

/** Why there is nothing to keep. */
export type Stateless = 'unassigned' | 'stateless' | 'unreadable';

type Fields = Readonly<Record<string, unknown>>;

const IDS: Readonly<Record<ObjectKind, string>> = { subscription: 'subscription_id', invoice: 'invoice_id' };

/**
 * @returns what to keep, or why there is nothing: nobody owns the event; it is about an object of another kind, or a thin
 * one without its object; its data is not what we write
 */
export function objectStateOf(entry: LogEntry): ObjectState | Stateless {
  if (entry.tenantId === UNASSIGNED) return 'unassigned';
  const data = parse(entry.data);
  if (!data) return 'unreadable';
  for (const kind of ['subscription', 'invoice'] as const) {
    const state = fieldsOf(data[kind]);
    if (state) return keepable(entry, { kind, state, usage: data['usage'] });
  }
  return 'stateless';
}

function keepable(
  { objectId, type }: LogEntry,
  { kind, state, usage }: { kind: ObjectKind; state: Fields; usage: unknown },
): ObjectState | Stateless {
  // Events that only mention an object, such as the invoice of a payment, say less of it than its own.
  if (objectId === '' || state[IDS[kind]] !== objectId) return 'stateless';
  return {
    objectId,
    kind,
    state,
    usage: Array.isArray(usage) ? usage : [],
    // A subscription that ended is told as `deleted` and is still there to be looked at.
    deleted: kind === 'invoice' && type.endsWith('invoice.deleted'),
  };
}

function parse(data: string): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(data));
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
