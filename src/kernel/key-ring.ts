import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Secret } from './redact.js';

const CIPHER = 'aes-256-gcm';
/** NIST SP 800-38D §8.2.2: 96 random bits, for fewer than 2^32 messages under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Secrets of one kind in the order `newest,older,…`: what is written now is under the first, what is read may be under
 * any. So a secret is replaced without a request that fails: put the new one in front, and take the old one away when
 * nothing made with it is valid any more.
 *
 * `context` separates uses of the same ring: a digest or a sealed text of one context is worth nothing in another.
 */
export class KeyRing {
  private readonly keys: readonly RingKey[];

  /** @throws RangeError where no secret is in it */
  constructor(ring: Secret) {
    this.keys = keysOf(ring).map((key) => new RingKey(key));
    if (this.keys.length === 0) throw new RangeError('A key ring holds at least one secret');
  }

  /** HMAC-SHA-256 in base64url, 43 characters, under the newest secret. */
  digest(context: string, text: string): string {
    return this.newest.digest(context, text).toString('base64url');
  }

  /** The digests under every secret, the newest first: where a text that was stored earlier may be found. */
  digests(context: string, text: string): string[] {
    return this.keys.map((key) => key.digest(context, text).toString('base64url'));
  }

  /** Whether the digest was made of the text under any of the secrets; takes the same time wherever they differ. */
  matches(context: string, text: string, digest: string): boolean {
    const given = Buffer.from(digest, 'base64url');
    let found = false;
    for (const key of this.keys) {
      const own = key.digest(context, text);
      if (own.length === given.length && timingSafeEqual(own, given)) found = true;
    }
    return found;
  }

  /** Encrypts and authenticates (AES-256-GCM); base64url, 38 characters and a third more than the text has bytes. */
  seal(context: string, text: string): string {
    return this.newest.seal(context, text).toString('base64url');
  }

  /** @returns undefined for what was not sealed in this context under one of the secrets */
  open(context: string, sealed: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    for (const key of this.keys) {
      const text = key.open(context, bytes);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  private get newest(): RingKey {
    return this.keys[0] as RingKey;
  }
}

/** The secrets of a ring as texts, for rules about them. */
export function keysOf(ring: Secret): string[] {
  return ring
    .reveal()
    .split(',')
    .map((key) => key.trim())
    .filter(Boolean);
}

/** One secret of a ring. Digests and sealed texts have keys of their own, derived from it (RFC 5869). */
class RingKey {
  /** Made when it is needed: a ring that only seals, for one message, is spared it. */
  private digestKey: Buffer | undefined;
  private readonly sealKeys = new Map<string, Buffer>();

  constructor(private readonly secret: string) {}

  digest(context: string, text: string): Buffer {
    this.digestKey ??= this.derive('digest');
    return createHmac('sha256', this.digestKey).update(`${context}\0${text}`).digest();
  }

  seal(context: string, text: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.sealKey(context), nonce);
    return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  open(context: string, sealed: Buffer): string | undefined {
    const decipher = createDecipheriv(CIPHER, this.sealKey(context), sealed.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      const text = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }

  /** Contexts are names in the code, so that only a few are kept. */
  private sealKey(context: string): Buffer {
    const known = this.sealKeys.get(context);
    if (known) return known;
    const made = this.derive(`seal\0${context}`);
    this.sealKeys.set(context, made);
    return made;
  }

  private derive(use: string): Buffer {
    return hkdf(this.secret, `bulkhead\0${use}`);
  }
}

const NO_SALT = Buffer.alloc(32);

/**
 * HKDF-SHA-256 without a salt, of 32 bytes (RFC 5869): one block. What seals once derives once, and node:crypto's own makes a
 * key object and a job for it, which is twice the price.
 */
function hkdf(secret: string, info: string): Buffer {
  const extracted = createHmac('sha256', NO_SALT).update(secret).digest();
  return createHmac('sha256', extracted).update(`${info}\u0001`).digest();
}
