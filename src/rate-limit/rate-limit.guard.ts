import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestRecord } from '../telemetry/index.js';
import { RATE_LIMIT, type RouteLimits } from './rate-limit.decorator.js';
import type { RateLimitDecision } from './rate-limit.decision.js';
import { RateLimitExceededError } from './rate-limit.errors.js';
import { rateLimitHeaders } from './rate-limit.headers.js';
import { type GuardedPolicy, POLICIES } from './rate-limit.policies.js';
import { RateLimiter } from './rate-limiter.js';

/** Below this prefix every route has the default policy; probes, metrics and keys stand outside it. */
const API_PREFIX = '/v1/';

/** Requests that were decided. Shared by all guards, since a guard bound twice may be two instances. */
const decided = new WeakSet<object>();

/**
 * Decides once per request: the route's policies and the default one in one check. The address is Fastify's
 * `request.ip`, so which forwarded header counts is decided in one place, by TRUST_PROXY.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const policies = this.policiesOf(context, request);
    if (policies.length === 0 || decided.has(request.raw)) return true;
    decided.add(request.raw);

    const decision = await this.limiter.check(
      policies.map((policy) => ({ policy, key: subjectOf(policy, request) })),
    );
    note(request.record, decision);
    if (!decision.allowed) throw new RateLimitExceededError(decision);
    context.switchToHttp().getResponse<FastifyReply>().headers(rateLimitHeaders(decision));
    return true;
  }

  private policiesOf(context: ExecutionContext, request: FastifyRequest): GuardedPolicy[] {
    const targets = [context.getHandler(), context.getClass()];
    const declared = this.reflector.getAllAndOverride<RouteLimits | undefined>(RATE_LIMIT, targets) ?? [];
    if (declared === 'skip') return [];
    // The pattern of the route, not what the client typed: one route, one answer.
    const standard: GuardedPolicy[] = request.routeOptions.url?.startsWith(API_PREFIX) ? ['default'] : [];
    return [...new Set([...standard, ...declared])];
  }
}

function subjectOf(policy: GuardedPolicy, request: FastifyRequest): string {
  return POLICIES[policy].per === 'ip' ? request.ip : 'all';
}

/** For the one line that the request will log; the record is there only behind the HTTP door of this house. */
function note(record: RequestRecord | undefined, { backend, state }: RateLimitDecision): void {
  if (!record) return;
  record.rlBackend = backend;
  record.rateLimitState = state;
}
