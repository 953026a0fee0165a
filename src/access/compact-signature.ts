import { sign } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { SigningKey } from './signing-key.js';

/**
 * Signs tokens with one key, as compact JWS (RFC 7515 §7.1, RFC 8037): in the turn of the caller. The library signs by
 * WebCrypto, which hands each token to a thread that password hashes wait for, and costs three times as much.
 */
export class CompactSignature {
  /** The same for every token of a key. */
  private readonly head: string;

  constructor(
    private readonly key: SigningKey,
    { alg, typ }: { readonly alg: 'EdDSA'; readonly typ: string },
  ) {
    this.head = encode({ alg, typ, kid: key.kid });
  }

  of(payload: JWTPayload): string {
    const text = `${this.head}.${encode(payload)}`;
    // Ed25519 has its own digest.
    return `${text}.${sign(null, Buffer.from(text), this.key.privateKey).toString('base64url')}`;
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
