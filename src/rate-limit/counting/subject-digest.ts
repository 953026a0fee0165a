import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../../kernel/redact.js';

/** 96 bits: a collision among a thousand million subjects has a chance of one in a hundred thousand million. */
const DIGEST_BYTES = 12;

/**
 * Stands for subjects wherever they are kept. Redis sees a keyed digest, never an address or an e-mail: whoever reads
 * the fields cannot try out candidates without the secret.
 */
export class SubjectDigest {
  private readonly secret: KeyObject;

  constructor(secret: Secret) {
    this.secret = createSecretKey(secret.reveal(), 'utf8');
  }

  /** @param canonical the one spelling of the subject, of any length and any characters */
  of(dimension: string, canonical: string): string {
    const digest = createHmac('sha256', this.secret).update(`${dimension}\0${canonical}`).digest();
    return digest.toString('base64url', 0, DIGEST_BYTES);
  }
}
