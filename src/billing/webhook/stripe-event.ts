import { type Fields, fieldsOf, idOf, numberOf, textOf } from './json-fields.js';
import { MalformedEventError } from './webhook.errors.js';

/** What is read of an event of Stripe, be it a snapshot of its object or thin, which only names it. */
export interface StripeEvent {
  /** By which it is taken once: a thin event and the snapshot of the same happening have one. */
  readonly eventId: string;
  /** As Stripe calls it; a thin event with a snapshot twin has the twin's. */
  readonly type: string;
  /** Seconds since the epoch. */
  readonly createdS: number;
  /** Id of the object that it is about; empty where it has none. */
  readonly objectId: string;
  /** Empty where it names none. */
  readonly customerId: string;
  /** What it says its tenant is, unproven. */
  readonly tenantHint: string | undefined;
  /** The object itself; without fields where the event is thin. */
  readonly object: Fields;
  /** It was too large to be kept whole: what is here of the object is what the event is told apart by. */
  readonly omitted?: boolean;
  /** It is thin, and may be delivered as a snapshot as well. */
  readonly hasTwin?: boolean;
}

const EVENT_ID = /^[\w-]{1,255}$/;
/** It becomes the name of an event on a stream of lines, where a line break would be an end. */
const TYPE = /^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*$/;
/** Characters of a type, of the kind of an object, and of what an event says its tenant is. */
const LONGEST_NAME = 200;
const OBJECT_ID = /^[\w.-]{1,255}$/;
const THIN = 'v2.core.event';
/** Ours, beside the fields of Stripe. */
const OMITTED = 'data_omitted';

/**
 * @param value the body of a delivery, or an event of the list of events, as JSON
 * @throws MalformedEventError
 */
export function readStripeEvent(value: unknown): StripeEvent {
  const event = fieldsOf(value);
  return event['object'] === THIN ? readThin(event) : readSnapshot(event);
}

/** Whether the id of a customer may be one; Stripe promises no form beyond the length. */
export function isCustomerId(text: string): boolean {
  return OBJECT_ID.test(text);
}

function readSnapshot(event: Fields): StripeEvent {
  const object = fieldsOf(fieldsOf(event['data'])['object']);
  return {
    eventId: eventIdOf(event['id']),
    type: typeOf(event['type']),
    createdS: secondsOf(event['created']),
    objectId: wellFormed(object['id']),
    customerId: wellFormed(object['object'] === 'customer' ? object['id'] : idOf(object['customer'])),
    tenantHint: tenantHintOf(object),
    object,
    ...(event[OMITTED] === true && { omitted: true }),
  };
}

/**
 * What is kept of an event whose JSON is too large: read again it has the same id, type, time, object, customer and tenant,
 * and says that the rest was left out.
 *
 * @returns JSON
 */
export function outlineOf({
  eventId,
  type,
  createdS,
  objectId,
  customerId,
  tenantHint,
  object,
}: StripeEvent): string {
  const kind = textOf(object['object']);
  const ofCustomer = kind === 'customer' ? {} : { customer: customerId };
  const outline = {
    id: objectId,
    ...(kind !== null && kind.length <= LONGEST_NAME && { object: kind }),
    ...(customerId !== '' && ofCustomer),
    ...(tenantHint !== undefined &&
      tenantHint.length <= LONGEST_NAME && { metadata: { tenant_id: tenantHint } }),
  };
  return JSON.stringify({
    id: eventId,
    object: 'event',
    type,
    created: createdS,
    [OMITTED]: true,
    data: { object: outline },
  });
}

function readThin(event: Fields): StripeEvent {
  const related = fieldsOf(event['related_object']);
  const twin = textOf(event['snapshot_event']);
  const type = typeOf(event['type']);
  const id = wellFormed(related['id']);
  return {
    eventId: eventIdOf(twin ?? event['id']),
    type: twin === null ? type : type.replace(/^v1\./, ''),
    createdS: secondsOf(event['created']),
    objectId: id,
    customerId: related['type'] === 'customer' ? id : '',
    tenantHint: undefined,
    object: {},
    ...(twin !== null && { hasTwin: true }),
  };
}

/**
 * What whoever made the object at Stripe has written on it. The reference of a checkout session counts only where our
 * own server opened it: in the address of a payment link the payer may write any.
 */
function tenantHintOf(object: Fields): string | undefined {
  const parent = fieldsOf(fieldsOf(object['parent'])['subscription_details']);
  const places = [
    object['metadata'],
    fieldsOf(object['subscription_details'])['metadata'],
    parent['metadata'],
  ];
  for (const place of places) {
    const tenantId = textOf(fieldsOf(place)['tenant_id']);
    if (tenantId !== null) return tenantId;
  }
  const ownSession = object['object'] === 'checkout.session' && !object['payment_link'];
  return (ownSession && textOf(object['client_reference_id'])) || undefined;
}

function eventIdOf(value: unknown): string {
  const id = textOf(value);
  if (id !== null && EVENT_ID.test(id)) return id;
  throw new MalformedEventError('have an id of letters, digits, hyphens and underscores');
}

function typeOf(value: unknown): string {
  const type = textOf(value);
  if (type !== null && type.length <= LONGEST_NAME && TYPE.test(type)) return type;
  throw new MalformedEventError('have a type such as invoice.paid');
}

/** Snapshots say seconds, thin events a date. */
function secondsOf(value: unknown): number {
  const date = textOf(value);
  const seconds = date === null ? numberOf(value) : Math.floor(Date.parse(date) / 1000);
  if (seconds !== null && Number.isSafeInteger(seconds) && seconds >= 0 && seconds < LATEST_S) return seconds;
  throw new MalformedEventError('say when it was created');
}

/** The last second that a date can be. */
const LATEST_S = 8.64e12;

function wellFormed(value: unknown): string {
  const id = textOf(value);
  return id !== null && OBJECT_ID.test(id) ? id : '';
}
