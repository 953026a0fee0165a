import { setTimeout as sleep } from 'node:timers/promises';
import type { BuiltInPurpose, UnavailableReason } from '../../../src/redis/index.js';
import { waitFor } from '../../support/wait-for.js';
import type { Attempt } from './callers.js';
import type { FaultRow } from './fault-row.js';
import { PURPOSE_NAMES } from './house.js';
import { type LogVolume, volumeOf } from './log-volume.js';
import { residentBytes } from './memory.js';
import { type PerPurpose, perPurpose } from './per-purpose.js';
import type { Rig } from './rig.js';
import { clientNames, takeCounts } from './server-view.js';
import type { Answer } from './visitor.js';

/** A fault and where it strikes. */
export interface Strike {
  readonly fault: FaultRow;
  readonly purpose: BuiltInPurpose;
}

/** What one strike looked like from both sides. Milliseconds are of recovery: from healed to up. */
export interface StrikeRecord extends Strike {
  /** At the end of the window. */
  readonly coreReason: UnavailableReason | undefined;
  readonly appReason: string | undefined;
  readonly coreMs: number;
  readonly appMs: number;
}

/** Everything that was measured from one healthy moment to the next. Judged by judge.ts, told by report.ts. */
export interface Episode {
  readonly strikes: readonly StrikeRecord[];
  /** The first fault begins; all are noticed on both sides; the first heal begins; all are healed and back. */
  readonly times: { struckMs: number; noticedMs: number; healingMs: number; backMs: number };
  readonly attempts: PerPurpose<readonly Attempt[]>;
  /** How often each attempt ran on the server. */
  readonly counts: PerPurpose<readonly number[]>;
  /** How long the oldest call without an end had been waiting at the end. */
  readonly waitingMs: PerPurpose<number>;
  readonly answers: readonly Answer[];
  /** Names of the clients of each server, at the start of the run and at the end of the episode. */
  readonly connections: PerPurpose<{ before: readonly string[]; after: readonly string[] }>;
  readonly log: LogVolume;
  /** The longest time for which this process, which measures, did not run. */
  readonly stallMs: number;
  /** Of the application, at the end. */
  readonly residentBytes: number;
  readonly unhandled: readonly unknown[];
}

/** From notice to heal. Long enough for time-out, silence, loss and several attempts to reconnect. */
const WINDOW_MS = 1200;
/** No longer than this after its begin, since a fault that ends by itself is promised for two seconds only. */
const HOLD_MS = 1900;
/** Healthy traffic before the fault, and after the recovery. */
const MARGIN_MS = 60;
/** Bounds the run, not the product: how fast is what report.ts adds up. */
const NOTICE_TIMEOUT_MS = 5000;
const BACK_TIMEOUT_MS = 15_000;
/** A server learns of an end when the network tells it, and a lane when its silence is over: so long they may lag behind. */
const CONNECTIONS_SETTLE_MS = 3000;

/**
 * Lets the faults strike, watches, heals them and waits until everything is as before.
 *
 * @throws Error when a fault is not noticed or a compartment does not come back; the faults are healed all the same
 */
export async function runEpisode(
  rig: Rig,
  strikes: readonly Strike[],
  windowMs = WINDOW_MS,
): Promise<Episode> {
  await beginSound(rig);
  forget(rig);
  const logStart = rig.app.output().length;
  await sleep(MARGIN_MS);
  const struckMs = performance.now();
  const sick = new Set(strikes.map(({ purpose }) => purpose));
  try {
    await Promise.all(strikes.map(({ fault, purpose }) => fault.inject(rig.house.sites[purpose])));
    const holdsUntilMs = performance.now() + HOLD_MS;
    await Promise.all(strikes.map((strike) => noticed(rig, strike)));
    const noticedMs = performance.now();
    await sleep(Math.min(windowMs, holdsUntilMs - noticedMs));
    const seen = await Promise.all(strikes.map((strike) => look(rig, strike)));
    const healingMs = performance.now();
    const records = await Promise.all(
      seen.map(async (strike) => ({ ...strike, ...(await recover(rig, strike, sick)) })),
    );
    const backMs = performance.now();
    await sleep(MARGIN_MS);
    const times = { struckMs, noticedMs, healingMs, backMs };
    return { strikes: records, times, ...(await collect(rig)), log: volumeSince(rig, logStart) };
  } finally {
    const unhealed = strikes.filter(({ purpose }) => sick.has(purpose));
    await Promise.all(unhealed.map(({ fault, purpose }) => fault.heal(rig.house.sites[purpose])));
  }
}

/** An episode that failed has said so; what it left behind must not fail the next one, too. */
async function beginSound(rig: Rig): Promise<void> {
  await rig.allUp();
  const now = await clientNames(rig.house.sites);
  const changed = PURPOSE_NAMES.filter((name) => !sameNames(now[name], rig.connections[name]));
  for (const name of changed) rig.house.sites[name].proxy.resetAll();
  await settledConnections(rig);
  await rig.allUp();
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return some.join(' ') === others.join(' ');
}

/** What ended before the episode is none of its business. */
function forget({ visitor, callers, stalls }: Rig): void {
  stalls.take();
  visitor.take();
  for (const name of PURPOSE_NAMES) callers[name].take();
}

async function noticed({ core, visitor }: Rig, { fault, purpose }: Strike): Promise<void> {
  if (fault.effect !== 'lost') return;
  const options = { timeoutMs: NOTICE_TIMEOUT_MS, intervalMs: 10 };
  await Promise.all([
    waitFor(() => core.status.of(purpose).state !== 'up', {
      what: `the core to notice that ${purpose} is lost (${fault.name})`,
      ...options,
    }),
    waitFor(async () => (await visitor.state(purpose)).status !== 'up', {
      what: `the application to notice that ${purpose} is lost (${fault.name})`,
      ...options,
    }),
  ]);
}

async function look({ core, visitor }: Rig, { fault, purpose }: Strike) {
  const coreReason = core.status.of(purpose).reason;
  const appReason = (await visitor.state(purpose)).reason;
  return { fault, purpose, coreReason, appReason };
}

/** @param sick loses the purpose as soon as its heal has begun: a fault is healed once */
async function recover({ house, core, visitor }: Rig, { fault, purpose }: Strike, sick: Set<BuiltInPurpose>) {
  sick.delete(purpose);
  await fault.heal(house.sites[purpose]);
  const healedMs = performance.now();
  const sinceHealed = async (up: () => boolean | Promise<boolean>, who: string): Promise<number> => {
    await waitFor(up, { what: `${who} to have ${purpose} back (${fault.name})`, timeoutMs: BACK_TIMEOUT_MS });
    return performance.now() - healedMs;
  };
  const [coreMs, appMs] = await Promise.all([
    sinceHealed(() => core.status.of(purpose).state === 'up', 'the core'),
    sinceHealed(async () => (await visitor.state(purpose)).status === 'up', 'the application'),
  ]);
  return { coreMs, appMs };
}

async function collect(rig: Rig) {
  const { app, house, callers, visitor, stalls, unhandled } = rig;
  const stallMs = stalls.take();
  const attempts = perPurpose((name) => callers[name].take());
  const waitingMs = perPurpose((name) => callers[name].longestWaitMs);
  const answers = visitor.take();
  const after = await settledConnections(rig);
  const counts = new Map<BuiltInPurpose, readonly number[]>();
  for (const name of PURPOSE_NAMES) {
    const keys = attempts[name].map(({ key }) => key);
    counts.set(name, await takeCounts(house.sites[name], keys));
  }
  return {
    attempts,
    counts: perPurpose((name) => counts.get(name) ?? []),
    waitingMs,
    answers,
    stallMs,
    connections: perPurpose((name) => ({ before: rig.connections[name], after: after[name] })),
    residentBytes: residentBytes(app.process.pid),
    unhandled: unhandled.splice(0),
  };
}

/** Waits until the connections are those of the start, but not for ever: the judge says what was left over. */
async function settledConnections({ house, connections }: Rig): Promise<PerPurpose<readonly string[]>> {
  let now = await clientNames(house.sites);
  const same = () => PURPOSE_NAMES.every((name) => sameNames(now[name], connections[name]));
  const deadlineMs = performance.now() + CONNECTIONS_SETTLE_MS;
  while (!same() && performance.now() < deadlineMs) {
    await sleep(50);
    now = await clientNames(house.sites);
  }
  return now;
}

function volumeSince({ app }: Rig, start: number): LogVolume {
  return volumeOf(app.output().slice(start));
}
