import type { Clock } from '../../kernel/time.js';
import type { Clients } from './clients.js';
import { type DecisionCounters, type Decisions, decisionCounters, decisionsBetween } from './decisions.js';
import { ANSWER_WITHIN_MS, type HttpDriver, MOST_OPEN } from './http-driver.js';
import { OpenLoop } from './open-loop.js';
import { requestCount } from './options.js';
import { Tally } from './tally.js';

/** How long requests that had to wait may still be started after the last planned moment. */
const GRACE_MS = ANSWER_WITHIN_MS;

export interface Step {
  readonly path: string;
  readonly ratePerSecond: number;
  readonly durationSeconds: number;
  readonly clients: Clients;
}

export interface StepTools {
  readonly driver: Pick<HttpDriver, 'send' | 'page'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told before the first request. */
  readonly watch?: (running: RunningStep) => void;
}

/** What a progress bar may look at. */
export interface RunningStep {
  readonly tally: Tally;
  readonly step: Step;
  readonly startMs: number;
}

export interface StepResult {
  readonly step: Step;
  readonly tally: Tally;
  readonly decisions: Decisions;
  /** From the first planned start to the last answer. */
  readonly elapsedSeconds: number;
  /** Stopped before its end: nothing to be judged. */
  readonly aborted: boolean;
}

/** Holds one rate for one time, and reads before and after who decided. */
export async function runStep(step: Step, tools: StepTools): Promise<StepResult> {
  const { driver, clock, signal, watch } = tools;
  const tally = new Tally();
  const before = await readCounters(driver);
  const startMs = clock.monotonicMs();
  watch?.({ tally, step, startMs });
  await drive(step, tally, tools);
  const elapsedSeconds = (clock.monotonicMs() - startMs) / 1000;
  const decisions = await decisionsSince(before, driver);
  return { step, tally, decisions, elapsedSeconds, aborted: signal.aborted };
}

async function drive(step: Step, tally: Tally, { driver, clock, signal }: StepTools): Promise<void> {
  const { path, ratePerSecond, durationSeconds, clients } = step;
  const count = requestCount(ratePerSecond, durationSeconds);
  const pace = { ratePerSecond, count, mostOpen: MOST_OPEN, graceMs: GRACE_MS };
  const loop = new OpenLoop(clock, pace, async ({ index, plannedMs, held }) => {
    if (!held) tally.startDelay.record(clock.monotonicMs() - plannedMs);
    const answer = await driver.send(path, clients.addressOf(index));
    tally.record(answer, clock.monotonicMs() - plannedMs);
  });
  const started = await loop.run(signal);
  if (signal.aborted) return;
  // Left out, they would make a server that hangs look better than one that is slow.
  for (let index = started; index < count; index += 1)
    tally.fail('NEVER_STARTED', clock.monotonicMs() - loop.plannedMs(index));
}

type Reading = DecisionCounters | { readonly unprovable: string };

async function readCounters(driver: Pick<HttpDriver, 'page'>): Promise<Reading> {
  try {
    const { status, body } = await driver.page('/metrics');
    if (status === 200) return decisionCounters(body);
    const remedy = status === 401 || status === 403 ? '; set OPS_TOKEN to the token of that deployment' : '';
    return { unprovable: `/metrics answers ${status}${remedy}` };
  } catch (error) {
    return { unprovable: `/metrics cannot be read (${error instanceof Error ? error.message : 'FAILED'})` };
  }
}

async function decisionsSince(before: Reading, driver: Pick<HttpDriver, 'page'>): Promise<Decisions> {
  if ('unprovable' in before) return before;
  const after = await readCounters(driver);
  return 'unprovable' in after ? after : decisionsBetween(before, after);
}
