import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Metrics } from '../telemetry/index.js';
import { REQUIRED_SCOPES, TENANT_PARAMETER } from './access.metadata.js';
import { ForbiddenError } from './access.errors.js';
import type { Identity } from './identity.js';
import { RequestAuthentication } from './request-authentication.js';

/**
 * Lets in whoever shows a token of ours whose session lives, with the scopes of class and method and in the tenant of the
 * route; a service account only where scopes are asked for. Answers 401 `invalid-token`, 403 `forbidden`, 503 where authCache (or SQL, for an epoch that nobody knows) is away.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly authentication: RequestAuthentication,
    private readonly reflector: Reflector,
    private readonly metrics: Metrics,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    // Handlers of other transports have no such header: nobody is let in by accident.
    if (context.getType() !== 'http') return false;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const identity = await this.authentication.identify(request);
    const refusal = this.refusalOf(context, identity) ?? this.otherTenant(context, request, identity);
    if (!refusal) return true;
    this.metrics.accessChecks.child({ outcome: 'forbidden' }).inc();
    throw refusal;
  }

  private refusalOf(context: ExecutionContext, { scopes, service }: Identity): ForbiddenError | undefined {
    const targets = [context.getClass(), context.getHandler()];
    const required = this.reflector
      .getAll<(readonly string[] | undefined)[]>(REQUIRED_SCOPES, targets)
      .flatMap((some) => some ?? []);
    // Where no scope is asked for, it is about somebody's own account, sessions or memberships; a program has none.
    if (service && required.length === 0)
      return new ForbiddenError('This address is for users, and the access token is of a service account.');
    const missing = required.filter((scope) => !scopes.includes(scope));
    if (missing.length === 0) return undefined;
    return new ForbiddenError(`The access token lacks the scope ${missing.join(', ')}.`, missing);
  }

  private otherTenant(
    context: ExecutionContext,
    request: FastifyRequest,
    { tenantId }: Identity,
  ): ForbiddenError | undefined {
    const targets = [context.getHandler(), context.getClass()];
    const parameter = this.reflector.getAllAndOverride<string | undefined>(TENANT_PARAMETER, targets);
    if (parameter === undefined) return undefined;
    const params = request.params as Readonly<Record<string, string | undefined>>;
    if (params[parameter] === tenantId) return undefined;
    // The same for tenants that are not there: who is a customer is nobody's business.
    return new ForbiddenError('The access token is for another tenant; switch to this one first.');
  }
}
