import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RateLimitDecision } from '../decision.js';
import { CallLimits } from './call-limits.js';
import type { Method } from './declarations.js';
import { RateLimitExceededError } from './rate-limit.errors.js';
import { RequestLimits } from './request-limits.js';
import type { RouteLimits } from './route-limits.js';
import { RouteTable } from './route-table.js';

/**
 * Decides what could not be decided when the request arrived, once per request and all policies of its route together.
 * A route whose limits count who was authenticated names it after the guard that authenticates:
 * `@UseGuards(AccessGuard, RateLimitGuard)`. Also for handlers of messages, by what `@RateLimit` declares.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  /** By the configuration of the route, of which there is one each. */
  private readonly known = new WeakMap<object, RouteLimits | 'none'>();

  constructor(
    private readonly table: RouteTable,
    private readonly limits: RequestLimits,
    private readonly calls: CallLimits,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http') return this.calls.allow(context);
    const [request, reply] = context.getArgs<[FastifyRequest, FastifyReply]>();
    if (request.rateLimit) return true;
    const limits = this.limitsOf(request, context);
    if (limits === 'none') return true;
    const decision = this.limits.decide(limits, request, reply);
    if (decision instanceof Promise)
      return decision.then((later) => this.conclude(limits, later, request, reply));
    return this.conclude(limits, decision, request, reply);
  }

  /** The limits of the route that serves the request. */
  limitsOf(request: FastifyRequest, context: ExecutionContext): RouteLimits | 'none' {
    const { config, method, url = '' } = request.routeOptions;
    if (config.rateLimits) return config.rateLimits;
    let limits = this.known.get(config);
    if (!limits) {
      const address = { method: method ?? request.method, url };
      limits = this.table.ofMethod(context.getClass(), context.getHandler() as Method, address) ?? 'none';
      this.known.set(config, limits);
    }
    return limits;
  }

  private conclude(
    limits: RouteLimits,
    decision: RateLimitDecision,
    request: FastifyRequest,
    reply: FastifyReply,
  ): true {
    if (this.limits.note(limits, request, reply, decision)) return true;
    throw new RateLimitExceededError(decision);
  }
}

/** Stands before all routes; leaves those alone that name the guard themselves, further on. */
@Injectable()
export class GlobalRateLimitGuard implements CanActivate {
  constructor(private readonly guard: RateLimitGuard) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const limits = this.guard.limitsOf(context.getArgByIndex<FastifyRequest>(0), context);
    return limits === 'none' || limits.bindsGuard || this.guard.canActivate(context);
  }
}
