import { BillingEventRefusedError } from './billing-log.errors.js';
import { type BillingEvent, UNASSIGNED } from './log-entry.js';

const REPLAY_ID = /^[\w-]{1,64}$/;
const EVENT_ID = /^[\w-]{1,255}$/;
/** Lower case only: two spellings of a tenant would be two streams. */
const TENANT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TYPE = /^[a-z][\w.-]{0,254}$/i;
const LONGEST_OBJECT_ID = 500;
/** What is shown of one event, characters. */
export const LARGEST_DATA_CHARS = 512 * 1024;
/** What is kept of one event as it was received, characters. */
export const LARGEST_RAW_CHARS = 1024 * 1024;

export function isEventId(text: string): boolean {
  return EVENT_ID.test(text);
}

export function isReplayId(text: string): boolean {
  return REPLAY_ID.test(text);
}

export function isTenantId(text: string): boolean {
  return text === UNASSIGNED || TENANT_ID.test(text);
}

export function isEventType(text: string): boolean {
  return TYPE.test(text);
}

export function isMomentS(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** As `JSON.stringify` makes it of an object: one line, so that nobody can put a line of their own into a stream. */
export function isData(text: string): boolean {
  return (
    text.length <= LARGEST_DATA_CHARS &&
    text.startsWith('{') &&
    text.endsWith('}') &&
    !text.includes('\n') &&
    !text.includes('\r')
  );
}

type Rule = readonly [holds: (event: BillingEvent) => boolean, rule: string];

const RULES: Readonly<Partial<Record<keyof BillingEvent, Rule>>> = {
  eventId: [(event) => isEventId(event.eventId), 'is not 1 to 255 letters, digits, - or _'],
  tenantId: [(event) => isTenantId(event.tenantId), `is neither a UUID in lower case nor ${UNASSIGNED}`],
  type: [(event) => isEventType(event.type), 'is not 1 to 255 letters, digits, dots, - or _'],
  createdS: [(event) => isMomentS(event.createdS), 'is not a whole number of seconds since the epoch'],
  objectId: [
    ({ objectId }) => typeof objectId === 'string' && objectId.length <= LONGEST_OBJECT_ID,
    `is not a text of at most ${LONGEST_OBJECT_ID} characters`,
  ],
  data: [(event) => isData(event.data), 'is not a JSON object in one line of at most 512 Ki characters'],
  replayId: [
    ({ replayId }) => replayId === undefined || isReplayId(replayId),
    'is not 1 to 64 letters, digits, - or _',
  ],
  raw: [
    ({ raw }) => raw.length > 0 && raw.length <= LARGEST_RAW_CHARS,
    'is empty, or more than 1 Mi characters',
  ],
};

const RULE_LIST = Object.entries(RULES);

/** @throws BillingEventRefusedError with the first field that breaks its rule */
export function assertEvent(event: BillingEvent): void {
  for (const [field, [holds, rule]] of RULE_LIST)
    if (!holds(event)) throw new BillingEventRefusedError(field, rule);
}
