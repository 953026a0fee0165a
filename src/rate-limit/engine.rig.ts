import { ManualClock } from '../kernel/manual-clock.js';
import { Metrics } from '../telemetry/index.js';
import type { Question } from './counting/question.js';
import type { Ruling } from './counting/subject.js';
import { assembleEngine } from './engine-assembly.js';
import type { LimitEngineParts } from './limit-engine.js';
import { PolicyBook } from './policies/plan.js';
import type { PolicyTable } from './policies/policy.js';
import { RateLimiter } from './rate-limiter.js';
import { StandIn } from './substitute.rig.js';

export interface OpenEngineOptions {
  readonly shadowed?: readonly string[];
  readonly ruling?: Ruling;
  readonly inRedis?: LimitEngineParts['inRedis'];
  readonly instances?: number;
  /** This process counts by choice. */
  readonly inMemory?: boolean;
}

/** A limiter whose Redis is the twin of the script, with a clock that stands still until it is told to move. */
export function openEngine<Table extends PolicyTable>(policies: Table, options: OpenEngineOptions = {}) {
  const clock = new ManualClock();
  clock.advance(3_600_000);
  const redis = new StandIn(clock);
  /** What happens to Redis; a test changes it. */
  const state: { lost: string | undefined; closed: boolean } = { lost: undefined, closed: false };
  /** Questions that Redis was asked. */
  const asked: Question[] = [];
  const reasons: string[] = [];
  const ask = (question: Question): void => {
    asked.push(question);
    redis.ask(question);
    process.nextTick(() => redis.flush());
  };
  const metrics = new Metrics();
  const { engine, decider } = assembleEngine({
    book: new PolicyBook(policies, options.shadowed),
    metrics,
    clock,
    redis: options.inMemory ? undefined : { ask },
    digest: (dimension, text) => `${dimension}_${text}`.padEnd(16, '_').slice(0, 16),
    lost: () => state.lost,
    closed: () => state.closed,
    instances: () => options.instances ?? 1,
    chosenIsDegraded: false,
    onSubstitute: (reason) => reasons.push(reason),
    ...(options.ruling && { ruling: options.ruling }),
    ...(options.inRedis && { inRedis: options.inRedis }),
  });
  return {
    engine,
    decider,
    limiter: new RateLimiter<Table>(engine),
    clock,
    redis,
    state,
    asked,
    reasons,
    metrics,
  };
}
