import { randomBytes } from 'node:crypto';
import { SelectionError } from '../ops.errors.js';
import type { BackfillHead, BackfillRecord } from './backfill-record.js';

/** What to fetch. Neither moment: from where the last one ended. Seconds since the epoch. */
export interface BackfillRequest {
  readonly fromS?: number;
  readonly toS?: number;
  /** Names the backfill: one of this name that is done is not done again. Unset: made up. */
  readonly id?: string;
}

export interface PlanFacts {
  readonly nowS: number;
  readonly overlapS: number;
  readonly lagS: number;
  readonly owner: string;
}

/** Stripe keeps events for so long. */
export const STRIPE_KEEPS_S = 30 * 86_400;

interface Known {
  readonly record?: BackfillRecord;
  readonly head?: BackfillHead;
}

/**
 * The backfill to run: a new one, or the last one where that did not come to its end.
 *
 * @throws SelectionError
 */
export function planBackfill(request: BackfillRequest, known: Known, facts: PlanFacts): BackfillRecord {
  const { nowS, lagS, overlapS, owner } = facts;
  const oldestS = nowS - STRIPE_KEEPS_S;
  const latestS = nowS - lagS;
  const explicit = request.fromS !== undefined || request.toS !== undefined;
  const goesOn = unfinished(request, known.record);
  if (goesOn) {
    const toS = goesOn.continuous ? latestS : goesOn.toS;
    const { reason: _reason, ...rest } = goesOn;
    return { ...rest, toS: Math.max(toS, goesOn.fromS), state: 'running', owner, updatedMs: nowS * 1000 };
  }
  const startS = explicit ? (request.fromS ?? oldestS) : (known.head?.createdS ?? oldestS) - overlapS;
  const fromS = Math.max(startS, oldestS);
  const toS = Math.min(request.toS ?? latestS, latestS);
  if (explicit && fromS > toS) throw new SelectionError(whyEmpty(request, { oldestS, latestS }));
  return {
    id: request.id ?? randomBytes(9).toString('base64url'),
    state: 'running',
    fromS,
    toS: Math.max(fromS, toS),
    continuous: !explicit,
    pages: 0,
    taken: 0,
    duplicates: 0,
    refused: 0,
    refusedIds: [],
    owner,
    startedMs: nowS * 1000,
    updatedMs: nowS * 1000,
  };
}

function whyEmpty(
  { fromS = 0, toS = Number.POSITIVE_INFINITY }: BackfillRequest,
  { oldestS, latestS }: { readonly oldestS: number; readonly latestS: number },
): string {
  if (fromS > toS)
    return 'The range is empty: it ends before it begins. Exchange the two moments, or leave one out.';
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  return (
    `The range is empty: Stripe keeps events for 30 days, so none before ${iso(oldestS)} is there to be fetched, and those of ` +
    `the last BILLING_BACKFILL_LAG_S seconds, since ${iso(latestS)}, are not read yet. Give moments between the two.`
  );
}

/** Where to begin: before what was handed on last, since Stripe may have shown something late. */
export function startOf({ fromS, at }: BackfillRecord, overlapS: number): number {
  return at ? Math.max(fromS, at.created - overlapS) : fromS;
}

/** The same range, or none in particular. */
function unfinished(
  { fromS, toS, id }: BackfillRequest,
  last: BackfillRecord | undefined,
): BackfillRecord | undefined {
  if (!last || last.state === 'done' || (id !== undefined && id !== last.id)) return undefined;
  const same = (asked: number | undefined, had: number) => asked === undefined || asked === had;
  return same(fromS, last.fromS) && same(toS, last.toS) ? last : undefined;
}
