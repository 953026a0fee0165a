import { type CustomDecorator, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { PolicyName } from '../policies/policies.js';

export const RATE_LIMIT = Symbol('rate-limit');

/** A cost that the head of the request tells, so that it can be decided before guards and body. */
export interface ArrivalCost {
  readonly known: 'arrival';
  readonly of: (request: FastifyRequest) => number;
}

/**
 * Units, 1 or more; parts of one are rounded up. A plain function is asked by the guard: the body is parsed then. Where a
 * function throws or gives no number, the request costs the most that the policy grants at once.
 */
export type RequestCost = number | ((request: FastifyRequest) => number) | ArrivalCost;

export interface PricedPolicy {
  readonly policy: PolicyName;
  readonly cost: RequestCost;
}

/** A policy, which a request costs one unit of, or a policy and what a request costs. */
export type PolicyUse = PolicyName | PricedPolicy;

/** What a route declares: further policies, or none at all. */
export type DeclaredLimits = readonly PolicyUse[] | 'skip';

/**
 * Further policies of a route or controller; spent together with the default policy, all or none. A route's own
 * decorator wins over its controller's. `@RateLimit('signup')`, `@RateLimit({ policy: 'export', cost: 5 })`.
 */
export function RateLimit(...policies: [PolicyUse, ...PolicyUse[]]): CustomDecorator<symbol> {
  return SetMetadata(RATE_LIMIT, policies satisfies DeclaredLimits);
}

/** No limit at all, the default policy included. A route's own decorator wins over its controller's. */
export function SkipRateLimit(): CustomDecorator<symbol> {
  return SetMetadata(RATE_LIMIT, 'skip' satisfies DeclaredLimits);
}
