import type { ExecutionContext, Type } from '@nestjs/common';
import type { LimitEngine } from '../limit-engine.js';
import type { Plan } from '../policies/plan.js';
import type { Subjects } from '../policies/policy.js';
import { subjectValue } from '../policies/subject-value.js';
import { ONE_UNIT, type Request } from '../request.js';
import type { Method } from './declarations.js';
import { RateLimitExceededError } from './rate-limit.errors.js';
import { RouteLimitError, callFaults, nameOf } from './route-faults.js';
import type { RouteTable } from './route-table.js';

/** Who calls, where it is no HTTP request: a message on a socket, a call of a microservice. Undefined: nobody knows. */
export type CallSubjects = (context: ExecutionContext) => Subjects | undefined;

interface Limits {
  readonly plan: Plan;
  readonly question: Request;
}

/** Limits of handlers that are not called by HTTP. They have no default policy, no headers, and nothing is given back. */
export class CallLimits {
  private readonly known = new WeakMap<object, Map<Method, Limits | undefined>>();
  /** A guard may be bound to a call twice. */
  private readonly decided = new WeakSet<object>();

  constructor(
    private readonly engine: LimitEngine,
    private readonly table: RouteTable,
    private readonly subjectsOf: CallSubjects = () => undefined,
  ) {}

  /** @throws RateLimitExceededError */
  async allow(context: ExecutionContext): Promise<true> {
    const limits = this.limitsOf(context.getClass(), context.getHandler() as Method);
    if (!limits || this.decided.has(context)) return true;
    this.decided.add(context);
    const subjects = this.subjectsOf(context) ?? {};
    const place = placeOf(context.getClass(), context.getHandler());
    const values = limits.plan.dimensions.map((dimension) =>
      dimension === 'route' ? place : subjectValue(subjects, dimension),
    );
    const decision = await this.engine.decide(limits.plan, values, limits.question);
    if (decision.allowed) return true;
    throw new RateLimitExceededError(decision);
  }

  private limitsOf(owner: Type, method: Method): Limits | undefined {
    let methods = this.known.get(owner);
    if (!methods) this.known.set(owner, (methods = new Map()));
    if (!methods.has(method)) methods.set(method, this.compile(owner, method));
    return methods.get(method);
  }

  /** @throws RouteLimitError */
  private compile(owner: Type, method: Method): Limits | undefined {
    const uses = this.table.ofCall(owner, method);
    if (uses.length === 0) return undefined;
    // Found at the start already, except of a method whose controller has routes as well.
    const faults = callFaults(uses).map((fault) => `${placeOf(owner, method)}: ${fault}`);
    if (faults.length > 0) throw new RouteLimitError(faults);
    const costs = uses.flatMap((use) =>
      typeof use === 'object' && typeof use.cost === 'number' ? [[use.policy, use.cost] as const] : [],
    );
    const question = costs.length > 0 ? { ...ONE_UNIT, costs: new Map<string, number>(costs) } : ONE_UNIT;
    return { plan: this.engine.book.plan(uses.map(nameOf)), question };
  }
}

const placeOf = (owner: Type, { name }: { readonly name: string }): string => `${owner.name}.${name}`;
