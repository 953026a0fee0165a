import { Injectable } from '@nestjs/common';
import { KeyRing } from '../kernel/key-ring.js';
import { SecurityTokenPeppers } from './security-tokens.config.js';
import { readToken, writeToken } from './token-text.js';
import { isDistinct } from './well-formed.js';

const PREFIX = 'un';
const LONGEST_ID_CHARS = 128;
const BODY = /^([\w-]+)~(0|[1-9]\d{0,15})$/;

export interface UnsubscribeOrder {
  readonly subscriptionId: string;
  /** Of the subscription when the token was made; a subscription that begins anew has another one. */
  readonly epoch: number;
}

/**
 * One click ends a subscription (RFC 8058), however often and however late: the token says which one, nothing is kept,
 * and no Redis is asked. It is for nothing else.
 */
@Injectable()
export class UnsubscribeTokens {
  private readonly ring: KeyRing;

  constructor(peppers: SecurityTokenPeppers) {
    this.ring = new KeyRing(peppers.unsubscribe);
  }

  /** @throws RangeError for an id of no or more than 128 characters, or an epoch that is no count */
  token(subscriptionId: string, epoch: number): string {
    if (!isDistinct(subscriptionId, LONGEST_ID_CHARS) || !Number.isSafeInteger(epoch) || epoch < 0)
      throw new RangeError('A subscription has an id of 1 to 128 characters and an epoch from 0');
    const id = Buffer.from(subscriptionId).toString('base64url');
    return writeToken(this.ring, PREFIX, `${id}~${epoch}`);
  }

  /** @returns undefined for whatever was not made here */
  read(token: unknown): UnsubscribeOrder | undefined {
    const [, id, epoch] = BODY.exec(readToken(this.ring, PREFIX, token) ?? '') ?? [];
    if (id === undefined || epoch === undefined) return undefined;
    return { subscriptionId: Buffer.from(id, 'base64url').toString(), epoch: Number(epoch) };
  }
}
