import { Body, Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  Authenticated,
  CurrentUser,
  ForbiddenError,
  type Identity,
  InvalidTokenError,
} from '../../access/index.js';
import { NoStore } from '../../http/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { AuthEvents } from '../auth-events.js';
import { InvalidRefreshTokenError, TokenReuseError } from '../auth.errors.js';
import { clientOf } from './client.js';
import { LiveSession } from './live-session.js';
import { LoginDto, RefreshDto, TenantSwitchDto } from './login.dto.js';
import { Login } from './login.js';
import { RefreshCookie } from './refresh-cookie.js';
import { Refresh } from './refresh.js';
import { accessAnswer, tokenAnswer } from './token-answer.js';

/** Logging in, and staying so. */
@Controller('auth')
export class TokenController {
  constructor(
    private readonly logins: Login,
    private readonly refreshes: Refresh,
    private readonly cookie: RefreshCookie,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Post('token')
  @HttpCode(200)
  @NoStore()
  async login(
    @Body() { email, password, device_token, tenant_id, cookie: inCookie = false }: LoginDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const tokens = await this.logins.perform({
      email,
      password,
      deviceToken: device_token ?? undefined,
      tenantId: tenant_id ?? undefined,
      client: clientOf(request),
    });
    if (inCookie) this.cookie.write(reply, tokens);
    return tokenAnswer(tokens, { nowMs: this.clock.nowMs(), inCookie });
  }

  @Post('refresh')
  @HttpCode(200)
  @NoStore()
  async refresh(
    @Body() { refresh_token, tenant_id }: RefreshDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const inCookie = (refresh_token ?? undefined) === undefined;
    const presented = refresh_token ?? this.cookie.read(request);
    const tokens = await this.exchange(presented, tenant_id, () => {
      if (inCookie) this.cookie.clear(reply);
    });
    if (inCookie) this.cookie.write(reply, tokens);
    return tokenAnswer(tokens, { nowMs: this.clock.nowMs(), inCookie });
  }

  /** @param over where the token is worth nothing any more; not on a 503, when nobody can tell */
  private async exchange(presented: string | undefined, tenantId: string | undefined, over: () => void) {
    try {
      return await this.refreshes.perform(presented, tenantId ?? undefined);
    } catch (error) {
      if (error instanceof InvalidRefreshTokenError || error instanceof TokenReuseError) over();
      throw error;
    }
  }
}

/** The same session, in another tenant. */
@Controller('auth')
export class TenantSwitchController {
  constructor(
    private readonly session: LiveSession,
    private readonly events: AuthEvents,
  ) {}

  @Post('tenant')
  @HttpCode(200)
  @NoStore()
  @Authenticated()
  async switch(@Body() { tenant_id: tenantId }: TenantSwitchDto, @CurrentUser() identity: Identity) {
    const access = await this.session.access(identity, tenantId);
    const { userId, sessionId } = identity;
    if (typeof access === 'string') {
      this.events.note({ event: 'tenant-switch', result: 'refused', reason: access, userId, sessionId });
      if (access === 'ended') throw new InvalidTokenError('unknown-session');
      throw new ForbiddenError('You are no member of this tenant.');
    }
    this.events.note({ event: 'tenant-switch', result: 'ok', userId, sessionId, tenantId });
    return accessAnswer(access);
  }
}
