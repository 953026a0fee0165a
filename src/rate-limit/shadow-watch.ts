import { type Asker, Check, type CheckParts } from './check.js';
import type { CheckSubjects } from './check-subjects.js';
import type { Meter } from './counting/meter.js';
import { OPERATION } from './counting/outcome.js';
import type { Decider } from './decider.js';
import type { DecisionMetrics } from './decision-metrics.js';
import type { Plan } from './policies/plan.js';
import { type Request, costOf } from './request.js';

export interface ShadowWatchParts {
  /** Of the check that is being put together. */
  readonly subjects: CheckSubjects;
  readonly decider: Decider;
  readonly metrics: DecisionMetrics;
}

/** Where and when the check is counted. */
type Place = Pick<CheckParts, 'inRedis' | 'startMs'>;

/** What is in shadow mode is counted beside the others, and decides nothing. */
export class ShadowWatch {
  constructor(private readonly parts: ShadowWatchParts) {}

  /** Counts what stands aside for these subjects only, and policies that are in shadow mode for everybody. */
  watch({ shadowed }: Plan, request: Request, place: Place): void {
    const { subjects } = this.parts;
    const aside = subjects.takeAside();
    if (aside.length > 0) {
      for (const policy of new Set(aside.map(({ limit }) => limit.policy))) {
        const meters = aside.filter(({ limit }) => limit.policy === policy);
        this.observe(policy, meters, request, place);
      }
    }
    for (const { name, limits } of shadowed) {
      const meters = subjects.meters(limits, place.inRedis);
      this.observe(name, [...meters, ...subjects.takeAside()], request, place);
    }
  }

  private observe(policy: string, meters: readonly Meter[], request: Request, place: Place): void {
    const { operation } = request;
    if (meters.length === 0 || operation === OPERATION.peek) return;
    const { decider, metrics } = this.parts;
    const { inRedis, startMs } = place;
    const cost = costOf(meters, request);
    const spends = operation === OPERATION.spend;
    if (spends && inRedis && decider.knownDenial(meters, cost, startMs) >= 0) {
      metrics.wouldDeny(policy);
      return;
    }
    const asker: Asker = {
      decided: (_check, { allowed }) => {
        if (!allowed && spends) metrics.wouldDeny(policy);
      },
      undecided: (check, error) => decider.afterFailure(check, error),
    };
    const check = new Check(asker, { operation, cost, meters, inRedis, startMs });
    const now = decider.decideNow(check);
    if (now) asker.decided(check, now, startMs);
    else decider.ask(check);
  }
}
