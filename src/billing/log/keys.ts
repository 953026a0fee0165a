import { createHash } from 'node:crypto';

/**
 * Every key of billing, and nobody else makes one. They share one hash tag, since one script touches several of them,
 * and a cluster runs a script only where all its keys lie on one node.
 */
const PREFIX = 'billing:{b}:';

/** The record of all tenants, and what readers wait for. */
export const LOG_KEY = `${PREFIX}log`;
/** Hash: how many entries each tenant has had. */
export const SEQUENCES_KEY = `${PREFIX}seq`;
/** Sorted set: tenants whose streams hold something, by when they are next to be trimmed, milliseconds since the epoch. */
export const TENANTS_KEY = `${PREFIX}tenants`;
/** What could not be processed. */
export const DEAD_LETTERS_KEY = `${PREFIX}dlq`;
/** How far the backfill from Stripe has come. */
export const BACKFILL_CURSOR_KEY = `${PREFIX}cursor:backfill`;
/** Who is filling back. */
export const BACKFILL_LOCK_KEY = `${PREFIX}lock:backfill`;
/** Who replays what the projector missed, when instances start. */
export const REPLAY_LOCK_KEY = `${PREFIX}lock:replay`;
/** Who rebuilds the stream of a tenant. */
export const REBUILD_LOCK_KEY = `${PREFIX}lock:rebuild`;

/** Consumer group of the log that projects it into SQL. What it has not acknowledged is never trimmed. */
export const PROJECTOR_GROUP = 'projector';

/** The fence of Redis takes three words for a variable that was never set, and Stripe's merchants may choose them as ids. */
const PLAIN_ID = /^(?!(?:undefined|null|NaN)$)[\w-]{1,255}$/;

/** Stream of one tenant's entries: the ids of the log, without what Stripe sent. */
export function tenantKey(tenantId: string): string {
  return `${PREFIX}t:${tenantId}`;
}

/** What a tenant's stream is made of anew, until it takes its place. */
export function rebuildKey(tenantId: string): string {
  return `${PREFIX}rebuild:${tenantId}`;
}

/** How far that has come, so that another process can go on with it. */
export function rebuildPlaceKey(tenantId: string): string {
  return `${PREFIX}rebuild-at:${tenantId}`;
}

/** One backfill: how far it has come, and how it ended. */
export function backfillRunKey(id: string): string {
  return `${PREFIX}run:${partOf(id)}`;
}

/** Says that a replay has told an event once more. */
export function replayMarkKey(replayId: string, eventId: string): string {
  return `${PREFIX}re:${partOf(replayId)}:${partOf(eventId)}`;
}

/** Says where the entry of an event is. */
export function eventKey(eventId: string): string {
  return `${PREFIX}ev:${partOf(eventId)}`;
}

/**
 * Latest `created` among the events of an object. Merchants choose the ids of plans and coupons themselves, so that
 * anything may be in one.
 */
export function objectKey(objectId: string): string {
  return `${PREFIX}obj:${partOf(objectId)}`;
}

function partOf(id: string): string {
  return PLAIN_ID.test(id) ? id : `~${createHash('sha256').update(id).digest('base64url')}`;
}
