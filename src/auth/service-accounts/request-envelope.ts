import type { FastifyRequest } from 'fastify';
import { isRepeated } from '../../http/index.js';
import { InvalidSignatureError } from './service-account.errors.js';
import { readSignedClaims } from './read-claims.js';
import type { SignedClaims } from './signed-request.js';

/** Name of the header that holds what was signed. */
export const PAYLOAD_HEADER = 'x-vault-payload';
const LONGEST_PAYLOAD = 4096;
const LONGEST_SIGNATURE = 1024;
const BASE64URL = /^[\w-]+$/;
/** Vault's own form with the version of the key, and ours: 64 bytes in base64url. */
const SIGNATURE = /^(?:vault:v[1-9]\d{0,5}:[A-Za-z0-9+/]{64,}={0,2}|ed25519:[\w-]{86})$/;

/** What a request says of its signature; none of it is verified yet. */
export interface Envelope {
  readonly scheme: 'vault' | 'ed25519';
  /** `vault:v1:<base64>` as Vault gives it; for ed25519 the base64url alone. */
  readonly signature: string;
  /** The bytes that were signed: the JSON text, not its base64url. */
  readonly message: Buffer;
  readonly claims: SignedClaims;
}

/** @throws InvalidSignatureError where a header is missing, doubled, too long or no text of ours */
export function readEnvelope({ headers, raw }: Pick<FastifyRequest, 'headers' | 'raw'>): Envelope {
  const { authorization, [PAYLOAD_HEADER]: payload } = headers;
  // Which of two somebody in front of us has looked at is not known.
  if ([PAYLOAD_HEADER, 'authorization'].some((name) => isRepeated(raw.rawHeaders, name)))
    throw new InvalidSignatureError();
  const signature = signatureOf(authorization);
  const message = messageOf(payload);
  const claims = readSignedClaims(message);
  if (!claims) throw new InvalidSignatureError();
  const ours = signature.startsWith('ed25519:');
  return {
    scheme: ours ? 'ed25519' : 'vault',
    signature: ours ? signature.slice('ed25519:'.length) : signature,
    message,
    claims,
  };
}

function signatureOf(authorization: string | undefined): string {
  if (authorization === undefined || authorization.length > LONGEST_SIGNATURE)
    throw new InvalidSignatureError();
  const [, signature = ''] = /^bearer (.+)$/i.exec(authorization) ?? [];
  if (!SIGNATURE.test(signature)) throw new InvalidSignatureError();
  return signature;
}

function messageOf(payload: string | readonly string[] | undefined): Buffer {
  if (typeof payload !== 'string' || payload.length > LONGEST_PAYLOAD || !BASE64URL.test(payload))
    throw new InvalidSignatureError();
  const message = Buffer.from(payload, 'base64url');
  // One text has one spelling.
  if (message.toString('base64url') !== payload) throw new InvalidSignatureError();
  return message;
}
