import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type AccessClaims,
  AccessTokens,
  ForbiddenError,
  InvalidTokenError,
  RequestAuthentication,
} from '../../access/index.js';
import { AppError } from '../../kernel/errors.js';
import { StreamCookie, type StreamPass } from './stream-cookie.js';
import { READ_SCOPE, type StreamIdentity } from './stream-identity.js';
import { StreamTickets } from './stream-tickets.js';

const BEARER = 'Bearer ';

/** Finds out whose stream a request may open: by its access token, else by the cookie of its browser. */
@Injectable()
export class StreamAccess {
  private readonly known = new WeakMap<FastifyRequest, StreamIdentity>();

  constructor(
    private readonly authentication: RequestAuthentication,
    private readonly tokens: AccessTokens,
    private readonly cookie: StreamCookie,
    private readonly tickets: StreamTickets,
  ) {}

  /**
   * @param reply gets the cookie, renewed
   * @throws InvalidTokenError, ForbiddenError, RedisUnavailableError, DatabaseUnavailableError
   */
  async identify(request: FastifyRequest, reply: FastifyReply): Promise<StreamIdentity> {
    const pass = request.headers.authorization === undefined ? this.cookie.read(request) : undefined;
    const identity = pass ? await this.byCookie(request, reply, pass) : await this.byToken(request);
    this.known.set(request, identity);
    return identity;
  }

  /** Whom `identify` found. @throws Error where nobody asked: a programming error */
  of(request: FastifyRequest): StreamIdentity {
    const identity = this.known.get(request);
    if (!identity) throw new Error('Nobody asked whose stream this is: StreamGuard is missing');
    return identity;
  }

  /** With the epoch of the session, which only the token says. @throws as `identify` */
  async byToken(request: FastifyRequest): Promise<StreamIdentity> {
    const claims = await this.claimsOf(request);
    const { userId, tenantId, role, sessionId, scopes, epoch, expiresAtMs } = claims;
    if (!scopes.includes(READ_SCOPE))
      throw new ForbiddenError(`The access token lacks the scope ${READ_SCOPE}.`, [READ_SCOPE]);
    return { userId, tenantId, role, sessionId, epoch, endsAtMs: expiresAtMs };
  }

  /** Where a guard has asked already whether the session lives, only the token is read again. */
  private async claimsOf(request: FastifyRequest): Promise<AccessClaims> {
    if (!request.identity) return this.authentication.claims(request);
    return this.tokens.verify(request.headers.authorization?.slice(BEARER.length).trim() ?? '');
  }

  private async byCookie(
    request: FastifyRequest,
    reply: FastifyReply,
    pass: StreamPass,
  ): Promise<StreamIdentity> {
    note(request, pass);
    await this.tickets.assertLive(pass);
    const current = await this.current(pass);
    if (!this.cookie.holds(current)) throw new InvalidTokenError('expired');
    if (current !== pass) this.cookie.write(reply, current);
    return current;
  }

  /** Renewed where its user is a member still; as it is, for its own hour, where nobody can say. */
  private async current(pass: StreamPass): Promise<StreamPass> {
    try {
      return this.cookie.renewed({ ...pass, role: await this.tickets.roleOf(pass) });
    } catch (error) {
      if (error instanceof AppError && error.status === 503) return pass;
      throw error;
    }
  }
}

/** Limits count by it, and the request log names it. */
function note(request: FastifyRequest, pass: StreamPass): void {
  const { userId, tenantId, role, sessionId, endsAtMs } = pass;
  const claims = { scopes: [READ_SCOPE], jti: '', expiresAtMs: endsAtMs };
  request.identity = { userId, tenantId, role, sessionId, ...claims };
  if (request.record) Object.assign(request.record, { userId, sessionId, tenantId });
}
