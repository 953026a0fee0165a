import { Controller, Get, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { JWKS_MAX_AGE_SECONDS, SigningKeys } from '../access/index.js';

/** The public keys of access tokens, for whoever verifies them without asking us. Outside `/v1`, where others look. */
@Controller('.well-known')
export class JwksController {
  constructor(private readonly keys: SigningKeys) {}

  @Get('jwks.json')
  jwks(@Headers('if-none-match') known: string | undefined, @Res() reply: FastifyReply): void {
    const { body, etag } = this.keys.jwks;
    void reply.headers({ etag, 'cache-control': `public, max-age=${JWKS_MAX_AGE_SECONDS}` });
    if (matches(known, etag)) void reply.code(304).send();
    else void reply.type('application/jwk-set+json').send(body);
  }
}

/** Weakly, as If-None-Match compares (RFC 9110 §13.1.2). */
function matches(known: string | undefined, etag: string): boolean {
  const tags = known?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes('*') || tags.includes(etag);
}
