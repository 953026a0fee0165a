import { Injectable } from '@nestjs/common';
import { KeyRing } from '../kernel/key-ring.js';
import { printable } from '../kernel/redact.js';
import { AccessSettings } from './access.config.js';

/** Where a session was begun from. Personal data: in Redis only sealed. */
export interface SessionClient {
  readonly address?: string | undefined;
  readonly userAgent?: string | undefined;
}

const CONTEXT = 'session-client';
const LONGEST_ADDRESS = 64;
const LONGEST_USER_AGENT = 200;

/** Seals and opens what is known of the client of a session, under the ring AUTH_PII_KEYS. */
@Injectable()
export class SessionClientSeal {
  private readonly ring: KeyRing;

  constructor({ piiKeys }: AccessSettings) {
    this.ring = new KeyRing(piiKeys);
  }

  /** The id is sealed in, so that the client of one session cannot be shown as that of another. */
  seal(sessionId: string, { address = '', userAgent = '' }: SessionClient): string {
    const fields = [sessionId, address.slice(0, LONGEST_ADDRESS), printable(userAgent, LONGEST_USER_AGENT)];
    return this.ring.seal(CONTEXT, JSON.stringify(fields));
  }

  /** @returns nothing known where it was sealed for another session, or under a key that is no longer in the ring */
  open(sessionId: string, sealed: string): SessionClient {
    const text = this.ring.open(CONTEXT, sealed);
    if (text === undefined) return {};
    const [owner, address, userAgent] = JSON.parse(text) as string[];
    if (owner !== sessionId) return {};
    return { ...(address ? { address } : {}), ...(userAgent ? { userAgent } : {}) };
  }
}
