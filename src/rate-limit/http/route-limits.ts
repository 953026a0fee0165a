import type { FastifyRequest } from 'fastify';
import { OPERATION } from '../counting/outcome.js';
import type { Plan } from '../policies/plan.js';
import { ONE_UNIT, type Request } from '../request.js';
import type { Extractor } from './extractors.js';
import type { ArrivalCost, PolicyUse, PricedPolicy } from './rate-limit.decorator.js';
import { RateLimitFields } from './rate-limit.headers.js';

/** Who is counted, in the order of the plan's dimensions. */
export type Values = readonly (string | undefined)[];

export interface RouteLimitsParts {
  readonly plan: Plan;
  readonly uses: readonly PolicyUse[];
  /** In the order of the plan's dimensions. */
  readonly extractors: readonly Extractor[];
  /** What is given back when the request succeeds. */
  readonly refundable: Plan | undefined;
  /** Whether the route names the guard itself, to be decided where it stands. */
  readonly bindsGuard: boolean;
  /** Told when a cost function gives no number, and how many units are counted instead. */
  readonly onNoCost: (policy: string, units: number) => void;
}

/** The limits of one route, made once, with all that a request does not change. */
export class RouteLimits {
  readonly plan: Plan;
  readonly bindsGuard: boolean;
  /** Whether the head of a request says all that counts, so that nobody else has to run before. */
  readonly atArrival: boolean;
  readonly fields = new RateLimitFields();
  private readonly extractors: readonly Extractor[];
  private readonly refundable: Plan | undefined;
  private readonly prices: readonly Price[];
  /** Where no cost depends on the request. */
  private readonly fixed: Request | undefined;

  constructor({ plan, uses, extractors, refundable, bindsGuard, onNoCost }: RouteLimitsParts) {
    this.plan = plan;
    this.bindsGuard = bindsGuard;
    this.extractors = extractors;
    this.refundable = refundable;
    this.prices = uses.flatMap((use) => (typeof use === 'string' ? [] : [priceOf(use, plan, onNoCost)]));
    this.atArrival = [...extractors, ...this.prices].every(({ known }) => known === 'arrival');
    this.fixed = this.prices.every(({ fixed }) => fixed) ? this.priced() : undefined;
  }

  values(request: FastifyRequest): Values {
    const values: (string | undefined)[] = [];
    for (const extractor of this.extractors) values.push(extractor.of(request));
    return values;
  }

  /** Who is counted by what the head of the request says alone. */
  valuesAtArrival(request: FastifyRequest): Values {
    return this.extractors.map((extractor) =>
      extractor.known === 'arrival' ? extractor.of(request) : undefined,
    );
  }

  question(request: FastifyRequest): Request {
    return this.fixed ?? this.priced(request);
  }

  /** What the head of the request says that it costs; one unit of what only its body can tell. */
  questionAtArrival(request: FastifyRequest): Request {
    return this.fixed ?? this.priced(request, 'arrival');
  }

  /** Whether a success gives back some of what it cost. */
  get forgives(): boolean {
    return this.refundable !== undefined;
  }

  /** What a success gives back, of what was asked. */
  refund(
    values: Values,
    { cost, costs }: Request,
  ): { plan: Plan; values: Values; question: Request } | undefined {
    const plan = this.refundable;
    if (!plan) return undefined;
    const own = plan.dimensions.map((dimension) => values[this.plan.dimensions.indexOf(dimension)]);
    return { plan, values: own, question: { operation: OPERATION.refund, cost, ...(costs && { costs }) } };
  }

  private priced(request?: FastifyRequest, when: Price['known'] = 'identity'): Request {
    if (this.prices.length === 0) return ONE_UNIT;
    const costs = new Map<string, number>();
    for (const { policy, known, of } of this.prices)
      if (known === 'arrival' || when === 'identity') costs.set(policy, of(request as FastifyRequest));
    return { ...ONE_UNIT, costs };
  }
}

interface Price {
  readonly policy: string;
  readonly known: Extractor['known'];
  readonly fixed: boolean;
  /** Whole units, 1 or more. */
  readonly of: ArrivalCost['of'];
}

function priceOf(
  { policy, cost }: PricedPolicy,
  { every }: Plan,
  onNoCost: RouteLimitsParts['onNoCost'],
): Price {
  if (typeof cost === 'number') return { policy, known: 'arrival', fixed: true, of: () => cost };
  const { known, of } = typeof cost === 'function' ? ({ known: 'identity', of: cost } as const) : cost;
  const own = every.filter(({ limit }) => limit.policy === policy);
  const most = Math.min(...own.map(({ limit }) => limit.burst));
  return {
    policy,
    known,
    fixed: false,
    of: (request) => {
      const units = wholeUnits(of, request);
      if (units !== undefined) return units;
      onNoCost(policy, most);
      return most;
    },
  };
}

/**
 * A cost may come from what a client sent, so it is rounded and kept above 0. What is no number must not become a
 * fault: such a request would be answered with 500 before anything counts it, as often as the client likes.
 */
function wholeUnits(of: ArrivalCost['of'], request: FastifyRequest): number | undefined {
  try {
    const units = Math.ceil(of(request));
    return Number.isNaN(units) ? undefined : Math.min(Math.max(1, units), Number.MAX_SAFE_INTEGER);
  } catch {
    return undefined;
  }
}
