import type { Metrics } from '../telemetry/index.js';
import { canonicalAddress, canonicalNetwork } from './counting/client-address.js';
import type { Ruling } from './counting/subject.js';
import { SubjectTable } from './counting/subject-table.js';
import { Decider, type DeciderOptions } from './decider.js';
import { DecisionMetrics } from './decision-metrics.js';
import { LimitEngine, type LimitEngineParts } from './limit-engine.js';
import type { PolicyBook } from './policies/plan.js';
import type { Dimension } from './policies/policy.js';

/** Subjects of one dimension that a process remembers; 460 bytes each with one limit, and 210 for each further one. */
const MOST_SUBJECTS = 65_536;

/** Nobody is blocked, nothing is overridden. */
export const NO_RULING: Ruling = {
  edition: 0,
  anyBlocked: false,
  blockedUntilMs: () => 0,
  limitFor: (limit) => limit,
};

export interface AssemblyOptions extends DeciderOptions {
  readonly book: PolicyBook;
  readonly metrics: Metrics;
  /** What a subject is called in Redis, by its canonical text. */
  readonly digest: (dimension: string, canonical: string) => string;
  /** Unset: NO_RULING. */
  readonly ruling?: Ruling;
  /** Unset: Redis counts everybody. */
  readonly inRedis?: LimitEngineParts['inRedis'];
  /** Told how many subjects of a dimension were forgotten because its table was full. */
  readonly onForgotten?: (dimension: string, count: number) => void;
}

export interface Engine {
  readonly engine: LimitEngine;
  readonly decider: Decider;
  /** Subjects remembered now. */
  readonly subjects: () => number;
}

/** Puts an engine together on anything that counts. */
export function assembleEngine(options: AssemblyOptions): Engine {
  const { book, metrics, clock, digest, onForgotten } = options;
  const decider = new Decider(options);
  const tables = new Map<string, SubjectTable>();
  const table = (dimension: Dimension): SubjectTable => {
    const known = tables.get(dimension);
    if (known) return known;
    const made = new SubjectTable({
      dimension,
      capacity: MOST_SUBJECTS,
      canonical: CANONICAL[dimension] ?? ((value) => value),
      digest: (canonical) => digest(dimension, canonical),
      onForgotten: (count) => onForgotten?.(dimension, count),
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
    subjects: () => [...tables.values()].reduce((sum, { size }) => sum + size, 0),
  };
}

const CANONICAL: { readonly [D in string]?: (value: string) => string } = {
  ip: canonicalAddress,
  network: canonicalNetwork,
};
