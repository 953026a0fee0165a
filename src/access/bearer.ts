import type { FastifyRequest } from 'fastify';
import { isRepeated } from '../http/index.js';
import { InvalidTokenError } from './access.errors.js';
import { LONGEST_TOKEN } from './access-tokens.js';

const SCHEME = 'bearer ';
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * The token of `Authorization: Bearer …` (RFC 6750), not verified yet.
 *
 * @throws InvalidTokenError where there is none, more than one, or something else
 */
export function bearerToken({ headers, raw }: Pick<FastifyRequest, 'headers' | 'raw'>): string {
  const header = headers.authorization;
  if (header === undefined) throw new InvalidTokenError('missing');
  // Before anything is read of it.
  if (header.length > SCHEME.length + LONGEST_TOKEN || isRepeated(raw.rawHeaders, 'authorization'))
    throw new InvalidTokenError('malformed');
  const token = header.slice(SCHEME.length).trim();
  if (header.slice(0, SCHEME.length).toLowerCase() !== SCHEME || !JWT.test(token))
    throw new InvalidTokenError('malformed');
  return token;
}
