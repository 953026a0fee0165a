import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../kernel/redact.js';
import { canonicalAddress } from './client-address.js';
import type { Dimension } from './rate-limit.policies.js';

/** 96 bits: a collision among a thousand million subjects has a chance of one in a hundred thousand million. */
const DIGEST_BYTES = 12;

/**
 * Spells the keys of limits. Redis sees a keyed digest of the subject, never an address or an e-mail: whoever
 * reads the keys cannot try out candidates without the secret.
 */
export class SubjectKeys {
  private readonly secret: KeyObject;

  /** @param prefix namespace of the purpose and kind of key, such as `rl:g` */
  constructor(
    private readonly prefix: string,
    secret: Secret,
  ) {
    this.secret = createSecretKey(secret.reveal(), 'utf8');
  }

  /** @param subject address, account or whatever the dimension counts, in one spelling; addresses in any */
  of(policy: string, dimension: Dimension, subject: string): string {
    const value = dimension === 'ip' ? canonicalAddress(subject) : subject;
    const digest = createHmac('sha256', this.secret).update(`${dimension}\0${value}`).digest();
    return `${this.prefix}:${policy}:${digest.subarray(0, DIGEST_BYTES).toString('base64url')}`;
  }
}
