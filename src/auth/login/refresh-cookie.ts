import { Injectable } from '@nestjs/common';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ForbiddenError } from '../../access/index.js';
import { PublicUrlSettings, isOwnOrigin } from '../../config/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { Inject } from '@nestjs/common';
import type { IssuedTokens } from './token-issuer.js';

const NAME = '__Secure-rt';
const RULES = { httpOnly: true, secure: true, sameSite: 'strict', path: '/v1/auth' } as const;

/**
 * The refresh token of browsers that must not see it: a cookie which no script reads, which goes to the auth routes
 * only, and which no other site can make a browser send. A request that relies on it has to come from our own pages.
 */
@Injectable()
export class RefreshCookie {
  private readonly own: URL;

  constructor(
    { publicUrl }: PublicUrlSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.own = publicUrl;
  }

  /**
   * @returns undefined where there is none, or more than one: which is ours cannot be told
   * @throws ForbiddenError where there is one and the request comes from elsewhere
   */
  read(request: FastifyRequest): string | undefined {
    const { cookie = '', origin } = request.headers;
    const ours = cookie.split(';').filter((pair) => pair.trim().startsWith(`${NAME}=`));
    if (ours.length !== 1) return undefined;
    // Browsers send Origin with every POST; what sends none is no browser, and has no business with the cookie.
    if (origin === undefined || !isOwnOrigin(this.own, origin))
      throw new ForbiddenError('The request does not come from a page of this service.');
    return parseCookie(cookie)[NAME];
  }

  write(reply: FastifyReply, { refreshToken, refreshEndsAtMs }: IssuedTokens): void {
    const maxAge = Math.max(1, Math.floor((refreshEndsAtMs - this.clock.nowMs()) / 1000));
    void reply.header(
      'set-cookie',
      stringifySetCookie({ name: NAME, value: refreshToken, maxAge, ...RULES }),
    );
  }

  clear(reply: FastifyReply): void {
    void reply.header('set-cookie', stringifySetCookie({ name: NAME, value: '', maxAge: 0, ...RULES }));
  }
}
