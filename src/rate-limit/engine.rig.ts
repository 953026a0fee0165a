import { ManualClock } from '../kernel/manual-clock.js';
import { Metrics } from '../telemetry/index.js';
import { canonicalAddress, canonicalNetwork } from './counting/client-address.js';
import type { Question } from './counting/question.js';
import type { Ruling } from './counting/subject.js';
import { SubjectTable } from './counting/subject-table.js';
import { NO_RULING } from './create-engine.js';
import { Decider } from './decider.js';
import { DecisionMetrics } from './decision-metrics.js';
import { LimitEngine, type LimitEngineParts } from './limit-engine.js';
import { PolicyBook } from './policies/plan.js';
import type { PolicyTable } from './policies/policy.js';
import { RateLimiter } from './rate-limiter.js';
import { StandIn } from './substitute.rig.js';

const CANONICAL: { readonly [dimension: string]: (text: string) => string } = {
  ip: canonicalAddress,
  network: canonicalNetwork,
};

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
  const decider = new Decider({
    redis: options.inMemory ? undefined : { ask },
    clock,
    lost: () => state.lost,
    closed: () => state.closed,
    instances: () => options.instances ?? 1,
    chosenIsDegraded: false,
    onSubstitute: (reason) => reasons.push(reason),
  });
  const book = new PolicyBook(policies, options.shadowed);
  const metrics = new Metrics();
  const tables = new Map<string, SubjectTable>();
  const engine = new LimitEngine({
    book,
    decider,
    tables: (dimension) => {
      const made =
        tables.get(dimension) ??
        new SubjectTable({
          dimension,
          capacity: 1000,
          canonical: CANONICAL[dimension] ?? ((text) => text),
          digest: (text) => `${dimension}/${text}`.padEnd(16, '.').slice(0, 16),
        });
      tables.set(dimension, made);
      return made;
    },
    ruling: options.ruling ?? NO_RULING,
    inRedis: options.inRedis ?? (() => true),
    metrics: new DecisionMetrics(metrics, book),
    clock,
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
