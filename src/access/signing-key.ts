import { type KeyObject, createHash, createPrivateKey, createPublicKey } from 'node:crypto';

/** A public key as a JWKS shows it (RFC 8037). */
export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** The public key, 32 bytes in base64url. */
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
}

export interface SigningKey {
  /** RFC 7638 thumbprint of the public key: the same on every instance, and nothing to configure. */
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: PublicJwk;
}

/** In either alphabet of base64, since tools write both. */
const SEED = /^[\w+/-]{43}=?$/;
/** PKCS #8 of an Ed25519 key up to its seed (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const RULE = 'must be Ed25519 private keys, 32 random bytes as base64 each or a PEM, separated by commas';

/**
 * @param text `newest,older`: seeds of 32 bytes in base64 or base64url, or PKCS #8 PEMs, whose line breaks may be written `\n`
 * @returns one at least, no key twice
 * @throws Error whose message completes "must be …" and names the place of the key, never the key
 */
export function parseSigningKeys(text: string): readonly SigningKey[] {
  const keys = text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean)
    .map((entry, at) => parseSigningKey(entry, at + 1));
  if (keys.length === 0) throw new Error(RULE);
  const twice = keys.findIndex(({ kid }, at) => keys.findIndex((other) => other.kid === kid) < at);
  if (twice >= 0) throw new Error(`${RULE}; number ${twice + 1} is there twice`);
  return keys;
}

function parseSigningKey(entry: string, place: number): SigningKey {
  const privateKey = SEED.test(entry) ? ofSeed(entry) : ofPem(entry);
  if (!privateKey) throw new Error(`${RULE}; number ${place} is not`);
  const publicKey = createPublicKey(privateKey);
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const kid = thumbprint(x);
  return {
    kid,
    privateKey,
    publicKey,
    jwk: { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' },
  };
}

function ofSeed(seed: string): KeyObject {
  const der = Buffer.concat([PKCS8_HEAD, Buffer.from(seed, 'base64url')]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function ofPem(text: string): KeyObject | undefined {
  try {
    // Environment files and orchestrators often allow one line only.
    const key = createPrivateKey(text.replaceAll('\\n', '\n'));
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    // OpenSSL's own words quote what it read.
    return undefined;
  }
}

/** Of the required members in the order of their names, without spaces (RFC 7638 §3, RFC 8037 §2). */
function thumbprint(x: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
}
