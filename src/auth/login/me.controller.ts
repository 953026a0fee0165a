import { Body, Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  AccessTokens,
  Authenticated,
  CurrentUser,
  ForbiddenError,
  type Identity,
  InvalidTokenError,
  RequestAuthentication,
  TokenLiveness,
} from '../../access/index.js';
import { NoStore, OpsAccess } from '../../http/index.js';
import { Tenants, Users } from '../../identity/index.js';
import { IntrospectDto } from './login.dto.js';

/** Who somebody is, as an access token of theirs says and as it is kept. */
@Controller('auth')
export class MeController {
  constructor(
    private readonly users: Users,
    private readonly tenants: Tenants,
  ) {}

  @Get('me')
  @NoStore()
  @Authenticated()
  async me(@CurrentUser() { userId, sessionId, tenantId, role, scopes }: Identity) {
    const user = await this.users.byId(userId);
    // Its session was live a moment ago.
    if (!user) throw new InvalidTokenError('unknown-session');
    const memberships = await this.tenants.membershipsOf(userId);
    return {
      id: userId,
      email: user.email,
      email_verified: user.verified,
      session_id: sessionId,
      tenant_id: tenantId,
      role,
      scopes,
      tenants: memberships.map((one) => ({
        id: one.tenantId,
        name: one.name,
        personal: one.personal,
        role: one.role,
      })),
    };
  }
}

const INTROSPECT = 'tokens:introspect';

/** RFC 7662, for operators and services: whether an access token holds now, and what it says. */
@Controller('auth')
export class IntrospectController {
  constructor(
    private readonly operators: OpsAccess,
    private readonly authentication: RequestAuthentication,
    private readonly tokens: AccessTokens,
    private readonly liveness: TokenLiveness,
  ) {}

  @Post('introspect')
  @HttpCode(200)
  @NoStore()
  async introspect(@Body() { token }: IntrospectDto, @Req() request: FastifyRequest) {
    await this.assertAllowed(request);
    try {
      const claims = await this.tokens.verify(token);
      const { userId, sessionId, tenantId, role, scopes, jti, expiresAtMs } = claims;
      await this.liveness.assertHolds(claims);
      return {
        active: true,
        token_type: 'Bearer',
        sub: userId,
        sid: sessionId,
        tenant: tenantId,
        role,
        scope: scopes.join(' '),
        jti,
        exp: Math.floor(expiresAtMs / 1000),
      };
    } catch (error) {
      // Section 2.2: nothing is said about why.
      if (error instanceof InvalidTokenError) return { active: false };
      throw error;
    }
  }

  private async assertAllowed(request: FastifyRequest): Promise<void> {
    if (this.operators.allows(request)) return;
    const { scopes } = await this.authentication.identify(request);
    if (!scopes.includes(INTROSPECT))
      throw new ForbiddenError('The access token lacks a scope.', [INTROSPECT]);
  }
}
