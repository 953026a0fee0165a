/** One contestant in a process of its own, so that no other one's garbage or compiled code is measured with it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../helper.js';
import { BARE_CONTESTANTS } from './bare.js';
import {
  type Contestant,
  type Limiter,
  SUBJECTS,
  type Setting,
  type Subject,
  subject,
} from './contestant.js';
import { OUR_CONTESTANTS } from './ours.js';
import { PEER_CONTESTANTS } from './peers.js';

/** `known`: subjects that come again and again. `hot`: one only. `fresh`: each decision is about a new one. */
export type Traffic = 'known' | 'hot' | 'fresh';

export type ContestantOrder =
  | { readonly open: string; readonly setting: Setting; readonly clients?: number }
  | { readonly round: { readonly ms: number; readonly concurrency: number; readonly traffic: Traffic } }
  /** Each of that many subjects once, beginning with number `from`. */
  | { readonly each: number; readonly from: number }
  /** Begins with the next second of the clock. */
  | { readonly attack: readonly Phase[] };

/** Attempts at an even pace, from all clients in turn, beginning at that moment after the first phase began. */
export interface Phase {
  readonly fromMs: number;
  readonly attempts: number;
  readonly perSecond: number;
}

export interface Admissions {
  /** When the answers of admitted attempts came, milliseconds since the beginning, in order. */
  readonly admitted: readonly number[];
  readonly degraded: number;
}

export interface Round {
  readonly decisions: number;
  readonly allowed: number;
  readonly degraded: number;
  readonly ms: number;
  /** CPU of this process. */
  readonly cpuUs: number;
}

/** Reading the clock is not free beside a decision that takes a third of a microsecond. */
const LOOK_EVERY = 64;
/** A contestant that takes the stalled machine for an outage is asked again after that. */
const RETRY_MS = 20;

const contestants: Readonly<Record<string, Contestant>> = {
  ...BARE_CONTESTANTS,
  ...OUR_CONTESTANTS,
  ...PEER_CONTESTANTS,
};
const known = Array.from({ length: SUBJECTS }, (_, n) => subject(n));
const limiters: Limiter[] = [];
let turn = 0;
let fresh = SUBJECTS;

serve<ContestantOrder>(async (order) => {
  if ('open' in order) {
    const contestant = contestants[order.open];
    if (!contestant) throw new Error(`There is no contestant ${order.open}`);
    for (let n = 0; n < (order.clients ?? 1); n += 1) limiters.push(await contestant.open(order.setting));
    return contestant.title;
  }
  if ('round' in order) return round(order.round);
  if ('each' in order) return once(order.from, order.from + order.each);
  return attack(order.attack);
});

function limiterOf(n: number): Limiter {
  const limiter = limiters[n % limiters.length];
  if (!limiter) throw new Error('Nothing is open');
  return limiter;
}

const pick: Readonly<Record<Traffic, () => Subject>> = {
  known: () => known[(turn = (turn + 1) % SUBJECTS)] as Subject,
  hot: () => known[0] as Subject,
  fresh: () => subject((fresh += 1)),
};

async function round({
  ms,
  concurrency,
  traffic,
}: {
  ms: number;
  concurrency: number;
  traffic: Traffic;
}): Promise<Round> {
  const limiter = limiterOf(0);
  const subjectOf = pick[traffic];
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  let [decisions, allowed, degraded, over] = [0, 0, 0, false];
  const worker = async () => {
    while (!over) {
      const answer = await limiter.decide(subjectOf());
      if (limiter.isAllowed(answer)) allowed += 1;
      decisions += 1;
      if (limiter.isDegraded?.(answer)) {
        degraded += 1;
        // Decided at once, so nothing else here would let the connection be read again.
        await sleep(RETRY_MS);
      }
      if (decisions % LOOK_EVERY === 0) over = performance.now() - startMs >= ms;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const tookMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  return { decisions, allowed, degraded, ms: tookMs, cpuUs: user + system };
}

/** @returns how many were allowed */
async function once(from: number, to: number): Promise<number> {
  const limiter = limiterOf(0);
  let [next, allowed] = [from, 0];
  const worker = async () => {
    while (next < to) {
      const who = subject(next++);
      let answer = await limiter.decide(who);
      while (limiter.isDegraded?.(answer)) {
        await sleep(RETRY_MS);
        answer = await limiter.decide(who);
      }
      if (limiter.isAllowed(answer)) allowed += 1;
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
  return allowed;
}

async function attack(phases: readonly Phase[]): Promise<Admissions> {
  const admitted: number[] = [];
  let degraded = 0;
  const answers: Promise<void>[] = [];
  const startMs = performance.now();
  const attempt = async (n: number) => {
    const limiter = limiterOf(n);
    const answer = await limiter.decide(known[0] as Subject);
    if (limiter.isAllowed(answer)) admitted.push(performance.now() - startMs);
    if (limiter.isDegraded?.(answer)) degraded += 1;
  };
  for (const { fromMs, attempts, perSecond } of phases) {
    for (let made = 0; made < attempts;) {
      const sinceMs = performance.now() - startMs - fromMs;
      for (; made < attempts && made <= (sinceMs / 1000) * perSecond; made += 1) answers.push(attempt(made));
      await sleep(1);
    }
  }
  await Promise.all(answers);
  return { admitted: admitted.sort((a, b) => a - b), degraded };
}
