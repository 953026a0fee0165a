import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  Query,
  Req,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CurrentUser, type Identity, RequireScopes } from '../../access/index.js';
import { BodyLimit, IdPipe, NoStore } from '../../http/index.js';
import { type ServiceAccountToken, ServiceAccountTokens } from '../../identity/index.js';
import { AppError } from '../../kernel/errors.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { AuthEvents } from '../auth-events.js';
import { readEnvelope } from './request-envelope.js';
import { ServiceTokenDto, TokensPageDto } from './service-accounts.dto.js';
import { ServiceTokenRevocation } from './service-token-revocation.js';
import { TokenRequests } from './token-requests.js';

const MOST_BODY_BYTES = 8192;

/** A token for whoever signs for it. */
@Controller('service-accounts/token')
export class ServiceTokenController {
  constructor(
    private readonly requests: TokenRequests,
    private readonly events: AuthEvents,
  ) {}

  @Post()
  @HttpCode(201)
  @NoStore()
  @BodyLimit(MOST_BODY_BYTES)
  async issue(@Body() wish: ServiceTokenDto, @Req() request: FastifyRequest) {
    const { account, token, expiresInSeconds, jti } = await this.perform(wish, request);
    const { id: userId, tenantId } = account;
    this.events.note({ event: 'service-token', result: 'ok', userId, tenantId, sessionId: jti });
    return {
      access_token: token,
      token_type: 'Bearer',
      expires_in: expiresInSeconds,
      scope: wish.scopes.join(' '),
      account_id: userId,
      tenant_id: tenantId,
      jti,
    };
  }

  private async perform(wish: ServiceTokenDto, request: FastifyRequest) {
    try {
      const { method, originalUrl: path, rawBody = Buffer.alloc(0), ip } = request;
      return await this.requests.perform(readEnvelope(request), { method, path, rawBody, wish }, ip);
    } catch (error) {
      if (error instanceof AppError)
        this.events.note({ event: 'service-token', result: 'refused', reason: error.slug });
      throw error;
    }
  }
}

/** What was issued, and taking it back. */
@Controller('service-accounts/tokens')
@RequireScopes('service-accounts:admin')
export class ServiceTokensController {
  constructor(
    private readonly tokens: ServiceAccountTokens,
    private readonly revocation: ServiceTokenRevocation,
    private readonly events: AuthEvents,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get()
  @NoStore()
  async list(@Query() { account_id, limit = 100, cursor }: TokensPageDto) {
    const now = new Date(this.clock.nowMs());
    const tokens = await this.tokens.listOf(account_id, now, { limit, after: cursor });
    return {
      tokens: tokens.map(tokenOf),
      next_cursor: tokens.length === limit ? tokens.at(-1)?.jti : null,
    };
  }

  @Delete(':jti')
  @HttpCode(204)
  async revoke(
    @Param('jti', IdPipe) jti: string,
    @CurrentUser() { userId: actorId }: Identity,
  ): Promise<void> {
    const userId = await this.revocation.perform(jti, actorId);
    if (userId === undefined) throw new NotFoundException('There is no such token.');
    this.events.note({ event: 'service-token-revoked', result: 'ok', userId, sessionId: jti, actorId });
  }
}

function tokenOf({ jti, accountId, scopes, issuedAt, expiresAt, revoked }: ServiceAccountToken) {
  return {
    jti,
    account_id: accountId,
    scopes,
    issued_at: issuedAt.toISOString(),
    expires_at: expiresAt.toISOString(),
    revoked,
  };
}
