import { Logger } from '@nestjs/common';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { RouteOptions } from 'fastify';
import type { PolicyBook } from '../policies/plan.js';
import type { Dimension } from '../policies/policy.js';
import { type Declaration, type Method, declaredLimits } from './declarations.js';
import { type Extractor, type ExtractorTable, EXTRACTORS, NOBODY } from './extractors.js';
import type { PolicyName } from '../policies/policies.js';
import type { DeclaredLimits, PolicyUse } from './rate-limit.decorator.js';
import {
  type Known,
  RouteLimitError,
  assertDeclarations,
  hastyLimits,
  nameOf,
  sleepingLimits,
} from './route-faults.js';
import { RouteLimits } from './route-limits.js';
import { routeText } from './route-text.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The method of a controller that serves the route. */
    controllerMethod?: Method;
    /** What limits the route; undefined: nothing does, or only its guard can tell. */
    rateLimits?: RouteLimits;
  }
}

/** Below this prefix every address has the default policy; probes, metrics and keys stand outside it. */
export const API_PREFIX = '/v1/';
const DEFAULT_POLICY = 'default';

/** Where a route answers. */
export type RouteAddress = Pick<RouteOptions, 'method' | 'url'>;

export interface RouteTableParts {
  readonly book: PolicyBook;
  readonly extractors: ExtractorTable;
  readonly declarations: readonly Declaration[];
  /** The guard that routes may name, to be decided where it stands. */
  readonly guard: unknown;
  /** Guards that tell nobody who is asking. */
  readonly bystanders: readonly unknown[];
}

/** Which limits apply to which route. */
export class RouteTable {
  private readonly known: Known;
  /** Classes that inherit a method share it. */
  private readonly byMethod = new Map<Method, Declaration[]>();
  /** Policies of which it was said that a cost function gave no number: clients may make it do so at will. */
  private readonly withoutCost = new Set<string>();

  /** @throws RouteLimitError with every route whose limits cannot be counted */
  constructor(private readonly parts: RouteTableParts) {
    const { book, declarations, extractors } = parts;
    this.known = { book, extractors: { ...EXTRACTORS, ...extractors }, standard: DEFAULT_POLICY };
    assertDeclarations(declarations, this.known);
    for (const declaration of declarations) {
      if (!declaration.isRoute) continue;
      const sharers = this.byMethod.get(declaration.method);
      if (sharers) sharers.push(declaration);
      else this.byMethod.set(declaration.method, [declaration]);
    }
  }

  /**
   * Has Nest hand the methods of controllers on to Fastify, whose routes know nothing of them otherwise. Always the
   * same value, because a class may serve several applications of one process.
   */
  markMethods(): void {
    for (const method of this.byMethod.keys()) {
      const config = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, method) as object | undefined;
      Reflect.defineMetadata(FASTIFY_ROUTE_CONFIG_METADATA, { ...config, controllerMethod: method }, method);
    }
  }

  /** What routes declare to no effect; to be told whoever starts the application. */
  get sleeping(): readonly string[] {
    const { declarations } = this.parts;
    return [
      ...sleepingLimits(declarations, this.known),
      ...hastyLimits(declarations, this.known, this.parts),
    ];
  }

  /** Whether some route can be decided only where guards run, and does not name the guard itself. */
  get needsGuard(): boolean {
    return [...this.byMethod.values()].some((sharers) => {
      const declaration = unanimous(sharers, this.parts.guard);
      const limits = declaration && this.compile(declaration, { method: 'GET', url: API_PREFIX });
      return declaration === undefined || (limits && !limits.atArrival && !limits.bindsGuard);
    });
  }

  /** Of a route that is being registered; undefined: it has none, or only its guard can tell. */
  ofRoute({ config, method, url }: RouteOptions): RouteLimits | undefined {
    const served = config?.controllerMethod;
    if (!served) return this.compile({ limits: undefined, guards: [] }, { method, url });
    const declaration = unanimous(this.byMethod.get(served) ?? [], this.parts.guard);
    return declaration && this.compile(declaration, { method, url });
  }

  /**
   * Of a route whose method several classes inherit with limits that differ: what all of them have, so that requests
   * which are refused before their guard are counted. Costs may differ, and one unit is counted.
   *
   * @throws RouteLimitError where they have nothing in common, and so nothing would count these requests
   */
  inCommon({ config, method, url }: RouteOptions): RouteLimits | undefined {
    const sharers = this.byMethod.get(config?.controllerMethod as Method) ?? [];
    const [first = [], ...others] = sharers.map(({ limits }) =>
      usesOf(limits, url.startsWith(API_PREFIX)).map(nameOf),
    );
    const common = first.filter((name) => others.every((names) => names.includes(name)));
    if (common.length > 0) return this.limitsOf(common as PolicyName[], false, { method, url });
    if (first.length === 0 && others.every((names) => names.length === 0)) return undefined;
    const names = sharers.map(({ owner, name }) => `${owner.name}.${name}`).join(' and ');
    throw new RouteLimitError([
      `${names} are one method, and have no limit in common that could count who is refused before their guards; ` +
        'decorate the method itself, or override it in one of them',
    ]);
  }

  /** Of a method that is about to be called, by way of a route. */
  ofMethod(owner: object, method: Method, address: RouteAddress): RouteLimits | undefined {
    const known = this.byMethod.get(method)?.find((declaration) => declaration.owner === owner);
    return this.compile(known ?? { limits: declaredLimits(owner, method), guards: [] }, address);
  }

  /** Of a method that is called by something else than a route; who is counted, its caller has to tell. */
  ofCall(owner: object, method: Method): PolicyUse[] {
    return usesOf(declaredLimits(owner, method), false);
  }

  /** Of addresses below the prefix at which no route answers. */
  ofUnmatched(): RouteLimits {
    const { book } = this.parts;
    const plan = book.plan(DEFAULT_POLICY);
    const address = { method: 'GET', url: `${API_PREFIX}*` } as const;
    return new RouteLimits({
      plan,
      uses: [DEFAULT_POLICY],
      // Nobody authenticates there.
      extractors: plan.dimensions.map((dimension) => arrivalOnly(this.extractor(dimension, address))),
      refundable: undefined,
      bindsGuard: false,
      onNoCost: () => undefined,
    });
  }

  private compile(
    { limits, guards }: Pick<Declaration, 'limits' | 'guards'>,
    address: RouteAddress,
  ): RouteLimits | undefined {
    const uses = usesOf(limits, address.url.startsWith(API_PREFIX));
    return uses.length === 0 ? undefined : this.limitsOf(uses, guards.includes(this.parts.guard), address);
  }

  private limitsOf(uses: readonly PolicyUse[], bindsGuard: boolean, address: RouteAddress): RouteLimits {
    const { book } = this.parts;
    const names = uses.map(nameOf);
    const plan = book.plan(names);
    const forgiving = names.filter((name) => book.policy(name).definition.counts === 'failures');
    return new RouteLimits({
      plan,
      uses,
      extractors: plan.dimensions.map((dimension) => this.extractor(dimension, address)),
      refundable: forgiving.length > 0 ? book.plan(forgiving) : undefined,
      bindsGuard,
      onNoCost: (policy, units) => this.reportNoCost(policy, units, address),
    });
  }

  private reportNoCost(policy: string, units: number, { method, url }: RouteAddress): void {
    if (this.withoutCost.has(policy)) return;
    this.withoutCost.add(policy);
    new Logger('RateLimit').error(
      `The cost function of policy "${policy}" at ${String(method)} ${url} threw or gave no number; such requests ` +
        `cost ${units}, the most that the policy grants at once. Give a number for every request`,
    );
  }

  private extractor(dimension: Dimension, address: RouteAddress): Extractor {
    const told = this.known.extractors[dimension];
    if (told) return told;
    if (dimension !== 'route') return NOBODY;
    const text = routeText(address);
    return { known: 'arrival', of: () => text };
  }
}

/** What all who share a method declare; undefined where they differ, so that only the class called can tell. */
function unanimous(sharers: readonly Declaration[], guard: unknown): Declaration | undefined {
  const [first, ...others] = sharers;
  const agrees = (other: Declaration): boolean =>
    first !== undefined &&
    areSame(first.limits, other.limits) &&
    first.guards.includes(guard) === other.guards.includes(guard);
  return others.every(agrees) ? first : undefined;
}

function areSame(one: DeclaredLimits | undefined, other: DeclaredLimits | undefined): boolean {
  if (one === other) return true;
  if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
  // Costs may be functions, which nobody can compare.
  return one.every((use, at) => typeof use === 'string' && use === other[at]);
}

/** The default policy first; a route may name it, with a cost. */
function usesOf(limits: DeclaredLimits | undefined, belowApi: boolean): PolicyUse[] {
  if (limits === 'skip') return [];
  const declared = limits ?? [];
  const named = declared.some((use) => nameOf(use) === DEFAULT_POLICY);
  return [...(belowApi && !named ? ([DEFAULT_POLICY] as const) : []), ...declared];
}

function arrivalOnly(extractor: Extractor): Extractor {
  return extractor.known === 'arrival' ? extractor : NOBODY;
}
