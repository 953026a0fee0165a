import type { Secret } from '../kernel/redact.js';
import type { Metrics } from '../telemetry/index.js';
import type { ScriptClient } from '../redis/index.js';
import { canonicalAddress, canonicalNetwork } from './counting/client-address.js';
import { RedisCounter } from './counting/redis-counter.js';
import type { Ruling } from './counting/subject.js';
import { SubjectDigest } from './counting/subject-digest.js';
import { SubjectTable } from './counting/subject-table.js';
import { DecisionMetrics } from './decision-metrics.js';
import { Decider, type DeciderOptions } from './decider.js';
import { LimitEngine, type LimitEngineParts } from './limit-engine.js';
import type { PolicyBook } from './policies/plan.js';
import type { Dimension } from './policies/policy.js';

/** Subjects of one dimension that a process remembers; about 400 bytes each. */
const MOST_SUBJECTS = 65_536;

/** Nobody is blocked, nothing is overridden. */
export const NO_RULING: Ruling = { edition: 0, blockedUntilMs: () => 0, limitFor: (limit) => limit };

export interface EngineOptions extends Omit<DeciderOptions, 'redis'> {
  readonly book: PolicyBook;
  /** Undefined: this process counts by choice. */
  readonly client: ScriptClient | undefined;
  /** Namespace of the purpose and hash tag: `rl:{g}`. */
  readonly prefix: string;
  readonly secret: Secret;
  readonly metrics: Metrics;
  readonly ruling?: Ruling;
  readonly inRedis?: LimitEngineParts['inRedis'];
  /** Told the version of what operators have set, with every answer of Redis. */
  readonly onVersion?: (version: number) => void;
  /** Told how many subjects of a dimension were forgotten because its table was full. */
  readonly onForgotten?: (dimension: string, count: number) => void;
}

export interface Engine {
  readonly engine: LimitEngine;
  readonly decider: Decider;
  /** What a subject is called in Redis. */
  readonly digest: SubjectDigest;
  /** Subjects remembered now. */
  readonly subjects: () => number;
}

/** Puts an engine together on any client. */
export function createEngine(options: EngineOptions): Engine {
  const { book, client, prefix, secret, metrics, clock, onVersion } = options;
  let version = 0;
  const redis =
    client &&
    new RedisCounter({
      client,
      prefix,
      clock,
      onVersion: (next) => {
        // Somebody has reset a limit or lifted something: denials that are known here may hold no more.
        if (next !== version) decider.distrust();
        version = next;
        onVersion?.(next);
      },
      onBroken: (count) => metrics.rateLimitBroken.inc(count),
    });
  const decider: Decider = new Decider({ ...options, redis });
  const digest = new SubjectDigest(secret);
  const tables = new Map<string, SubjectTable>();
  const table = (dimension: Dimension): SubjectTable => {
    const known = tables.get(dimension);
    if (known) return known;
    const made = new SubjectTable({
      dimension,
      capacity: MOST_SUBJECTS,
      canonical: CANONICAL[dimension] ?? ((value) => value),
      digest: (canonical) => digest.of(dimension, canonical),
      onForgotten: (count) => options.onForgotten?.(dimension, count),
    });
    tables.set(dimension, made);
    return made;
  };
  const engine = new LimitEngine({
    book,
    decider,
    tables: table,
    ruling: options.ruling ?? NO_RULING,
    inRedis: options.inRedis ?? (() => true),
    metrics: new DecisionMetrics(metrics, book),
    clock,
  });
  return {
    engine,
    decider,
    digest,
    subjects: () => [...tables.values()].reduce((sum, { size }) => sum + size, 0),
  };
}

const CANONICAL: { readonly [D in string]?: (value: string) => string } = {
  ip: canonicalAddress,
  network: canonicalNetwork,
};
