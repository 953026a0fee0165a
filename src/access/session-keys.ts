import { isUuid } from '../kernel/uuid.js';

/** Names of what Redis keeps of one user. One hash tag, so that a cluster keeps it on one node and one MGET reads it. */
export interface SessionKeys {
  /** Ids of the sessions; the score is when each ends, milliseconds since the epoch. */
  readonly index: string;
  /** Mirror of the epoch. */
  readonly epoch: string;
  readonly session: (sessionId: string) => string;
}

/** @throws TypeError for an id that is no UUID in lower case: a brace or a star in a name would mean something */
export function sessionKeys(userId: string): SessionKeys {
  if (!isUuid(userId)) throw new TypeError('The id of a user is a UUID');
  const tag = `auth:{${userId}}`;
  return { index: `${tag}:sx`, epoch: `${tag}:ep`, session: (sessionId) => `${tag}:s:${sessionId}` };
}
