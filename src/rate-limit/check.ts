import type { Meter } from './counting/meter.js';
import type { Cost, LimitOutcome, Operation } from './counting/outcome.js';
import type { Question } from './counting/question.js';
import { RateLimitDecision } from './decision.js';

/** Who made the check and wants to know. */
export interface Asker {
  decided(check: Check, decision: RateLimitDecision, nowMs: number): void;
  /** Redis did not decide it. @returns what takes the place of its answer, if anything may */
  undecided(check: Check, error: unknown): RateLimitDecision | undefined;
}

export interface CheckParts {
  readonly operation: Operation;
  readonly cost: Cost;
  readonly meters: readonly Meter[];
  /** Whether Redis is to count this one; false: it was decided before that this process does. */
  readonly inRedis: boolean;
  readonly startMs: number;
}

/** What has to be decided, from the question to the answer: one object, because each check makes one. */
export class Check implements Question {
  readonly operation: Operation;
  readonly cost: Cost;
  readonly meters: readonly Meter[];
  readonly inRedis: boolean;
  readonly startMs: number;
  /** Which trust of the decider the answer of Redis will have. */
  trust = 0;
  resolve: (decision: RateLimitDecision) => void = ignore;
  reject: (error: unknown) => void = ignore;

  constructor(
    private readonly asker: Asker,
    { operation, cost, meters, inRedis, startMs }: CheckParts,
  ) {
    this.operation = operation;
    this.cost = cost;
    this.meters = meters;
    this.inRedis = inRedis;
    this.startMs = startMs;
  }

  answered(allowed: boolean, outcomes: readonly LimitOutcome[], nowMs: number): void {
    for (const meter of this.meters) meter.heard(this.trust, nowMs);
    const grounds = { meters: this.meters, allowed, outcomes, backend: 'redis', degraded: false } as const;
    this.asker.decided(this, new RateLimitDecision(grounds), nowMs);
  }

  failed(error: unknown, nowMs: number): void {
    try {
      const decision = this.asker.undecided(this, error);
      if (decision) this.asker.decided(this, decision, nowMs);
      else this.reject(error);
    } catch (fault) {
      this.reject(fault);
    }
  }
}

function ignore(): void {
  // A check of a policy in shadow mode has nobody who waits for it.
}
