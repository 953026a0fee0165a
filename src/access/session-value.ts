/** A session as Redis keeps it. Scripts write the text and change single fields; the format is theirs as well. */
export interface SessionValue {
  readonly epoch: number;
  /** Milliseconds since the epoch, by the clock of the server, as all times here. */
  readonly createdAtMs: number;
  /** It ends then, however much it is used. */
  readonly endsAtMs: number;
  readonly seenAtMs: number;
  readonly familyId: string;
  /** Authentication methods (RFC 8176). */
  readonly amr: readonly string[];
  /** Address and user agent, sealed. */
  readonly client: string;
}

/** Of numbers no more digits than a moment has that a date can say. */
const VALUE = /^1\|(\d{1,15})\|(\d{1,15})\|(\d{1,15})\|(\d{1,15})\|([\w-]{1,64})\|([\w,-]{0,128})\|([\w-]+)$/;

/** @returns undefined for nothing, and for what is not ours */
export function parseSession(text: string | null | undefined): SessionValue | undefined {
  const match = text ? VALUE.exec(text) : null;
  if (!match) return undefined;
  const [, epoch, created, ends, seen, familyId = '', amr = '', client = ''] = match;
  return {
    epoch: Number(epoch),
    createdAtMs: Number(created),
    endsAtMs: Number(ends),
    seenAtMs: Number(seen),
    familyId,
    amr: amr === '' ? [] : amr.split(','),
    client,
  };
}

const METHOD = /^[\w-]{1,16}$/;
const FAMILY = /^[\w-]{1,64}$/;

/** The fields that a script takes over as they are. @throws TypeError for what would break the format */
export function fixedFields(familyId: string, amr: readonly string[]): [familyId: string, amr: string] {
  if (!FAMILY.test(familyId)) throw new TypeError('The id of a family has 1 to 64 letters, digits, _ or -');
  if (amr.length > 7 || !amr.every((method) => METHOD.test(method)))
    throw new TypeError('A session has at most seven methods, of letters, digits, _ or -');
  return [familyId, amr.join(',')];
}
