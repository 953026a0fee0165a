import type { Answer } from '../../../e2e/auth/caller.js';
import { waitFor } from '../../../support/wait-for.js';
import type { EndpointRow, Promised } from '../endpoint-table.js';
import type { FaultRow } from '../fault-row.js';
import type { AuthSites, ClosedPurpose } from './sites.js';
import { IN_USE } from './token-visits.js';
import { type ReadyRequest, type Visit, nameOf } from './visit.js';

/** More than this and a client would rather hang up; the target is a fifth of it, on a machine that is quiet. */
export const PROMPT_MS = 1500;
/** Requests that are prepared at a time: each hashes passwords. */
const SIDE_BY_SIDE = 6;
const PREPARATIONS = 3;
/** Servers in these states take no new data, and may go on to read and to free. */
const NO_NEW_DATA = new Set(['READONLY', 'NOREPLICAS', 'OOM', 'MISCONF', 'CLIENT PAUSE WRITE']);
/** In these they certainly go on to read. */
const READ_ON = new Set(['OOM', 'MISCONF']);

/** What the visits of one fault on one compartment came to. */
export interface CellResult {
  readonly asked: number;
  readonly closed: number;
  /** As promised, other than 503. */
  readonly worked: number;
  /** Sent again when the fault was over, and carried out. */
  readonly again: number;
  /** Who was told that a token is worth nothing, and whose cookie was changed, during the fault. */
  readonly unauthorized: number;
  readonly cookies: number;
  readonly slowestMs: number;
  readonly backMs: number;
  /** Broken promises, each a sentence. */
  readonly complaints: readonly string[];
}

export interface Prepared {
  readonly visit: Visit;
  readonly request: ReadyRequest;
}

export interface Seen extends Prepared {
  readonly answer: Answer;
}

export async function prepareAll(scene: AuthSites, visits: readonly Visit[]): Promise<Prepared[]> {
  const prepared: Prepared[] = [];
  for (let at = 0; at < visits.length; at += SIDE_BY_SIDE) {
    const some = visits.slice(at, at + SIDE_BY_SIDE);
    prepared.push(
      ...(await Promise.all(some.map(async (visit) => ({ visit, request: await prepare(scene, visit) })))),
    );
  }
  return prepared;
}

/** A machine that stands still for a quarter of a second is no fault; each attempt makes everything anew. */
async function prepare(scene: AuthSites, visit: Visit): Promise<ReadyRequest> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await visit.prepare(scene);
    } catch (error) {
      if (attempt === PREPARATIONS) throw error;
    }
  }
}

/** Side by side, so that each meets the fault as the first one does, which nobody knows of yet. */
export function sendAll(prepared: readonly Prepared[]): Promise<Seen[]> {
  return Promise.all(
    prepared.map(async ({ visit, request }) => ({ visit, request, answer: await request.send() })),
  );
}

/** Lets the fault strike, sends all requests, heals it, and sends again what was answered with 503. */
export async function runCell(
  scene: AuthSites,
  { fault, purpose }: { readonly fault: FaultRow; readonly purpose: ClosedPurpose },
  table: ReadonlyMap<string, EndpointRow>,
  visits: readonly Visit[],
): Promise<CellResult> {
  await scene.sound();
  const prepared = await prepareAll(scene, visits);
  const site = scene.sites[purpose];
  const failedClosed = () => scene.house.first.metric('security_token_fail_closed_total');
  const before = await failedClosed();
  let seen: readonly Seen[] = [];
  try {
    await fault.inject(site);
    seen = await sendAll(prepared);
  } finally {
    await fault.heal(site);
  }
  const counted = (await failedClosed()) - before;
  const backMs = await scene.sound();
  const closed = seen.filter(({ answer }) => answer.status === 503);
  const due = purpose === 'securityTokens' ? closed.filter(({ visit }) => visit.countsFailClosed).length : 0;
  const retried = await Promise.all(closed.map((one) => retry(one, rowOf(table, one.visit), fault)));
  return {
    asked: seen.length,
    closed: closed.length,
    worked: seen.length - closed.length,
    again: retried.filter((complaint) => complaint === undefined).length,
    unauthorized: seen.filter(({ answer }) => answer.status === 401).length,
    cookies: closed.filter(({ answer }) => answer.headers.getSetCookie().length > 0).length,
    slowestMs: Math.max(0, ...closed.map(({ answer }) => answer.ms)),
    backMs,
    complaints: [
      ...seen.flatMap((one) =>
        judge(one, promisesOf(one.visit, rowOf(table, one.visit), { fault, purpose })),
      ),
      ...retried.filter((complaint) => complaint !== undefined),
      ...(counted < due ? [`security_token_fail_closed_total grew by ${counted} only, not by ${due}`] : []),
    ],
  };
}

export function rowOf(table: ReadonlyMap<string, EndpointRow>, { endpoint }: Visit): EndpointRow {
  const row = table.get(endpoint);
  if (!row) throw new Error(`docs/ARCHITECTURE.md does not say what ${endpoint} answers`);
  return row;
}

function promisesOf(
  { withoutNewData }: Visit,
  { away }: EndpointRow,
  { fault, purpose }: { readonly fault: FaultRow; readonly purpose: ClosedPurpose },
): readonly Promised[] {
  if (withoutNewData === undefined || !NO_NEW_DATA.has(fault.name)) return [away[purpose]];
  const mustWork = purpose === 'authCache' && withoutNewData === 'reads' && READ_ON.has(fault.name);
  return mustWork ? [away.rateLimit] : [away[purpose], away.rateLimit];
}

/** @returns what the answer to a visit breaks of what was promised */
export function judge({ visit, answer }: Seen, promises: readonly Promised[]): string[] {
  const { status, problem, headers, ms } = answer;
  const said = `${nameOf(visit)}: ${status} ${problem ?? ''}`;
  if (!promises.some((promised) => promised.status === status))
    return [`${said}, but promised is ${promises.map((promised) => promised.status).join(' or ')}`];
  if (status !== 503) return [];
  return [
    ...(problem === 'compartment-unavailable' ? [] : [`${said} is no problem of a compartment`]),
    ...(Number(headers.get('retry-after')) > 0 ? [] : [`${said} without Retry-After`]),
    ...(headers.getSetCookie().length === 0 ? [] : [`${said} changes a cookie`]),
    ...(ms < PROMPT_MS ? [] : [`${said} after ${ms.toFixed(0)} ms`]),
  ];
}

/** @returns a complaint where what was refused during the fault does not work after it */
export async function retry(
  { visit, request }: Seen,
  { away: { rateLimit: healthy } }: EndpointRow,
  { unknownOutcomes, forgets }: Pick<FaultRow, 'unknownOutcomes' | 'forgets'>,
): Promise<string | undefined> {
  const expected = new Set([healthy.status]);
  if ((unknownOutcomes || visit.recordFirst) && visit.alreadyDone !== undefined)
    expected.add(visit.alreadyDone);
  const send = request.again ?? request.send;
  // A claim whose answer was lost holds the token until Redis can be told; and a 503 decides nothing, so a client goes on.
  const answer = await waitFor(
    async () => {
      const one = await send();
      return one.status === IN_USE || one.status === 503 ? undefined : one;
    },
    { what: `${nameOf(visit)} to be decided`, timeoutMs: 10_000, intervalMs: 50 },
  );
  // What the server forgot is gone, and said to be so.
  const forgotten = forgets === true && answer.status < 500;
  return expected.has(answer.status) || forgotten
    ? undefined
    : `${nameOf(visit)}: ${answer.status} ${answer.problem ?? ''} after the fault`;
}
