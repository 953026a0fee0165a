import type { Check } from './check.js';
import type { SubjectTexts } from './check-subjects.js';
import type { RateLimitDecision } from './decision.js';
import type { Request } from './request.js';
import type { Plan } from './policies/plan.js';

/** What was spent of a request before all that counts was known, or the denial of it. */
export interface Held {
  /** Where it is no denial, what it names is spent. */
  readonly decision: RateLimitDecision;
  /** What was asked: limits, units and where they are counted. */
  readonly check: Check;
  readonly plan: Plan;
  readonly values: SubjectTexts;
  readonly request: Request;
}
