import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../support/wait-for.js';
import type { FaultRow } from './fault-row.js';
import { type OutagePolicy, audited } from './limiter-policies.js';
import type { Instance, OutageLimiter } from './limiter-rig.js';
import { LimiterTraffic, type Told } from './limiter-traffic.js';
import type { Site } from './site.js';
import { StallWatch } from './stall-watch.js';

/** One fault from one healthy moment to the next, as callers of the limiter saw it. */
export interface OutageEpisode {
  readonly fault: FaultRow;
  /** The fault begins; it is noticed; its heal begins; it is healed; Redis decides again; traffic ends. */
  readonly times: {
    startMs: number;
    struckMs: number;
    noticedMs: number;
    healingMs: number;
    healedMs: number;
    backMs: number;
    endMs: number;
  };
  readonly told: Readonly<Record<OutagePolicy, readonly Told[]>>;
  /** What the metric of substitutes grew by. */
  readonly fallbacks: number;
  /** Calls of `audit` that Redis has counted. */
  readonly counted: number;
  /** The longest time for which this process, which measures, did not run. */
  readonly stallMs: number;
}

export interface Stage {
  readonly instance: Instance;
  readonly site: Site;
  /** From the notice of the loss to the heal. */
  readonly windowMs: number;
}

/** Long enough to spend the burst, so that the fault strikes a client that is at its limit. */
const HEALTHY_MS = 400;
/** After the return: long enough to see whether Redis knows what was granted without it. */
const AFTER_MS = 600;
const NOTICE_TIMEOUT_MS = 5000;
/** So many decisions of Redis on end are a return. */
const SETTLED = 20;
const BACK_TIMEOUT_MS = 15_000;

/** @throws Error when the loss is not noticed or Redis does not come back; the fault is healed all the same */
export async function runOutage(
  fault: FaultRow,
  { instance, site, windowMs }: Stage,
): Promise<OutageEpisode> {
  const { limiter, status } = instance;
  const isUp = () => status.of('rateLimit').state === 'up';
  await waitFor(isUp, { what: 'the limiter to be on Redis', timeoutMs: BACK_TIMEOUT_MS });
  const account = randomUUID();
  const stalls = new StallWatch();
  const before = await instance.fallbacks();
  const startMs = performance.now();
  const traffic = (policy: OutagePolicy) => new LimiterTraffic(limiter, policy, account);
  let healed = false;
  const heal = async () => {
    if (healed) return;
    healed = true;
    await fault.heal(site);
  };
  const flows = {
    local: traffic('local'),
    deny: traffic('deny'),
    allow: traffic('allow'),
    audit: traffic('audit'),
  };
  try {
    await sleep(HEALTHY_MS);
    const struckMs = performance.now();
    await fault.inject(site);
    if (fault.effect === 'lost')
      await waitFor(() => !isUp(), { what: `${fault.name} to be noticed`, timeoutMs: NOTICE_TIMEOUT_MS });
    const noticedMs = performance.now();
    await sleep(windowMs);
    const healingMs = performance.now();
    await heal();
    const healedMs = performance.now();
    const backMs = await backSince(healedMs, flows.audit);
    await sleep(AFTER_MS);
    const told = {
      local: await flows.local.stop(),
      deny: await flows.deny.stop(),
      allow: await flows.allow.stop(),
      audit: await flows.audit.stop(),
    };
    const endMs = performance.now();
    const fallbacks = (await instance.fallbacks()) - before;
    return {
      fault,
      times: { startMs, struckMs, noticedMs, healingMs, healedMs, backMs, endMs },
      told,
      fallbacks,
      counted: await countedCalls(limiter, account),
      stallMs: stalls.take(),
    };
  } finally {
    stalls.stop();
    await Promise.all(Object.values(flows).map((flow) => flow.stop()));
    await heal();
  }
}

/** As Redis has it, and nobody else. */
async function countedCalls(limiter: OutageLimiter, account: string): Promise<number> {
  const { limits } = await waitFor(
    async () => {
      const decision = await limiter.peek('audit', { account });
      return decision.backend === 'redis' ? decision : undefined;
    },
    { what: 'the count of Redis' },
  );
  return audited(limits[0]?.remaining ?? Number.NaN);
}

/** When the first decision of the run of Redis's decisions began that has not ended since. */
async function backSince(healedMs: number, { all }: LimiterTraffic): Promise<number> {
  const lastOfMemory = () => all.findLastIndex(({ decision }) => decision?.backend !== 'redis');
  await waitFor(() => all.length - 1 - lastOfMemory() >= SETTLED && (all.at(-1)?.startedMs ?? 0) > healedMs, {
    what: 'decisions of Redis',
    timeoutMs: BACK_TIMEOUT_MS,
  });
  return Math.max(healedMs, all[lastOfMemory() + 1]?.startedMs ?? Number.NaN);
}
