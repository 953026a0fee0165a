import { createHash } from 'node:crypto';
import type { AccessClaims } from './access-claims.js';

/** About five megabytes, when it is full. */
const MOST = 5000;

/**
 * Tokens whose signature was verified by this process, by their digest, until they expire: a client shows the same one
 * for ten minutes. Verifying takes 110 µs of CPU and a thread of the pool that password hashes wait for; a digest 1 µs
 * (2 cores, Node 20). Only what was verified gets in, so nobody fills it with inventions; and the session is asked for
 * on each request all the same.
 */
export class VerifiedTokens {
  private readonly claims = new Map<string, AccessClaims>();

  /** @param nowMs tokens that have expired by then are not known */
  find(token: string, nowMs: number): AccessClaims | undefined {
    const key = digest(token);
    const claims = this.claims.get(key);
    if (!claims || claims.expiresAtMs > nowMs) return claims;
    this.claims.delete(key);
    return undefined;
  }

  add(token: string, claims: AccessClaims): void {
    if (this.claims.size >= MOST) {
      // A map keeps the order of insertion, and tokens live equally long: the first is the next to expire.
      for (const oldest of this.claims.keys()) {
        this.claims.delete(oldest);
        break;
      }
    }
    this.claims.set(digest(token), claims);
  }
}

/** Not the token itself, which a dump of the memory would give away. */
function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
