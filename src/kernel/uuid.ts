const OURS = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether it is an id as we write it: a UUID in lower case. Only such a one may stand in the name of a key. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && OURS.test(value);
}

/**
 * The id that a text means. Capital letters mean the same (RFC 9562 §4), to PostgreSQL too; so ids of callers come through
 * here before anything is done with them, lest SQL and Redis take one id for two.
 *
 * @returns in lower case; undefined for what is no UUID
 */
export function uuidOf(text: string): string | undefined {
  const id = text.toLowerCase();
  return isUuid(id) ? id : undefined;
}
