import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  Authenticated,
  CurrentUser,
  type Identity,
  InvalidTokenError,
  RequestAuthentication,
  type SessionView,
  Sessions,
} from '../../access/index.js';
import { IdPipe, NoStore, PageDto } from '../../http/index.js';
import { AuthEvents } from '../auth-events.js';
import { Logout } from './logout.js';
import { LogoutDto } from './login.dto.js';
import { RefreshCookie } from './refresh-cookie.js';

/** The sessions of whoever asks. */
@Controller('auth')
export class SessionController {
  constructor(
    private readonly sessions: Sessions,
    private readonly logouts: Logout,
    private readonly events: AuthEvents,
  ) {}

  @Post('logout/all')
  @HttpCode(204)
  @Authenticated()
  async logoutAll(@CurrentUser() { userId, sessionId }: Identity): Promise<void> {
    await this.sessions.revokeAll(userId);
    this.events.note({ event: 'logout-all', result: 'ok', userId, sessionId });
  }

  @Post('logout/others')
  @HttpCode(204)
  @Authenticated()
  async logoutOthers(@CurrentUser() { userId, sessionId }: Identity): Promise<void> {
    await this.sessions.revokeOthers(userId, sessionId);
    this.events.note({ event: 'logout-others', result: 'ok', userId, sessionId });
  }

  @Get('sessions')
  @NoStore()
  @Authenticated()
  async list(@CurrentUser() identity: Identity, @Query() { limit = 100, cursor }: PageDto) {
    const all = await this.sessions.list(identity.userId);
    // The cursor is the last one seen; where that has ended meanwhile, the list begins anew.
    const from = cursor === undefined ? 0 : all.findIndex(({ sessionId }) => sessionId === cursor) + 1;
    const page = all.slice(from, from + limit);
    const more = from + limit < all.length;
    return {
      sessions: page.map((session) => sessionOf(session, identity.sessionId)),
      next_cursor: more ? page.at(-1)?.sessionId : null,
    };
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  @Authenticated()
  async end(@CurrentUser() { userId }: Identity, @Param('id', IdPipe) sessionId: string): Promise<void> {
    if (!(await this.logouts.end(userId, sessionId)))
      throw new NotFoundException('You have no such session.');
    this.events.note({ event: 'session-revoked', result: 'ok', userId, sessionId });
  }
}

/** Logging out works with whatever is left of a login. */
@Controller('auth')
export class LogoutController {
  constructor(
    private readonly authentication: RequestAuthentication,
    private readonly logouts: Logout,
    private readonly cookie: RefreshCookie,
    private readonly events: AuthEvents,
  ) {}

  @Post('logout')
  @HttpCode(204)
  async logout(
    @Body() { refresh_token }: LogoutDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const login = await this.login(request);
    if (login && !(login instanceof InvalidTokenError)) {
      const { userId, sessionId } = login;
      await this.logouts.end(userId, sessionId);
      this.cookie.clear(reply);
      this.events.note({ event: 'logout', result: 'ok', userId, sessionId });
      return;
    }
    const presented = refresh_token ?? this.cookie.read(request);
    // Nothing of the login holds that was shown.
    if (presented === undefined && login) throw login;
    const ended = await this.logouts.endByRefreshToken(presented);
    if ((refresh_token ?? undefined) === undefined) this.cookie.clear(reply);
    if (ended) this.events.note({ event: 'logout', result: 'ok', ...ended });
  }

  /** An access token that has expired says nothing against the refresh token beside it. @returns undefined without one */
  private async login(request: FastifyRequest): Promise<Identity | InvalidTokenError | undefined> {
    if (request.headers.authorization === undefined) return undefined;
    try {
      return await this.authentication.identify(request);
    } catch (error) {
      if (error instanceof InvalidTokenError) return error;
      throw error;
    }
  }
}

function sessionOf(session: SessionView, current: string) {
  const { sessionId, createdAtMs, lastSeenAtMs, endsAtMs, address, userAgent } = session;
  return {
    id: sessionId,
    current: sessionId === current,
    created_at: new Date(createdAtMs).toISOString(),
    last_seen_at: new Date(lastSeenAtMs).toISOString(),
    expires_at: new Date(endsAtMs).toISOString(),
    address: address ?? null,
    user_agent: userAgent ?? null,
  };
}
