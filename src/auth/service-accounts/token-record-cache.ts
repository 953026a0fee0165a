import { Injectable } from '@nestjs/common';
import type { AccessClaims, AccessDenial, ServiceTokenRecords } from '../../access/index.js';
import { ServiceAccountTokens } from '../../identity/index.js';
import { InjectRedis, type PurposeRedis } from '../../redis/index.js';

/**
 * For this long SQL is not asked again about a token that holds. It bounds how late a revocation is seen whose mark Redis
 * could not be given: everywhere else the mark is seen by the next request.
 */
const HOLDS_MS = 15_000;
/** An access token holds an hour at most, and clocks differ a little. */
const MARK_MS = 3_660_000;

/**
 * Whether the token of a service account holds. SQL knows; authCache spares it a question per request, and holds no token:
 *
 * - `auth:{account}:st:<jti>`: `holds` for a few seconds after SQL said so, `ended` from a revocation on until the token
 *   has expired. What SQL said earlier never takes the place of `ended`;
 * - `auth:{account}:se:<epoch>`: every token of that epoch has ended. One mark per epoch and not one number, so that
 *   two that are written in the wrong order do not undo each other.
 *
 * Redis away: 503. SQL away: 503 once the few seconds are over, since a token that nobody vouches for lets nobody in.
 */
@Injectable()
export class TokenRecordCache implements ServiceTokenRecords {
  constructor(
    @InjectRedis('authCache') private readonly redis: PurposeRedis<'authCache'>,
    private readonly records: ServiceAccountTokens,
  ) {}

  async denialOf({ userId: accountId, jti, epoch }: AccessClaims): Promise<AccessDenial | undefined> {
    const [token, ended] = await this.redis.mget(tokenKey(accountId, jti), epochKey(accountId, epoch));
    if (typeof ended === 'string') return 'other-epoch';
    if (token === 'ended') return 'unknown-session';
    if (token === 'holds') return undefined;
    const current = await this.records.epochFor(jti);
    if (current === undefined) return 'unknown-session';
    if (current !== epoch) return 'other-epoch';
    await this.redis.set(tokenKey(accountId, jti), 'holds', 'PX', HOLDS_MS, 'NX');
    return undefined;
  }

  /** Once SQL has committed it. @throws RedisUnavailableError; asking again is safe */
  async end(accountId: string, jti: string): Promise<void> {
    await this.redis.set(tokenKey(accountId, jti), 'ended', 'PX', MARK_MS);
  }

  /**
   * Once SQL has committed it.
   *
   * @param epoch that holds now: those before it have ended
   * @throws RedisUnavailableError; asking again is safe
   */
  async endBefore(accountId: string, epoch: number): Promise<void> {
    await this.redis.set(epochKey(accountId, epoch - 1), 'ended', 'PX', MARK_MS);
  }
}

/** The ids are UUIDs: verified claims, or rows of SQL. One hash tag, so that one MGET reads both. */
function tokenKey(accountId: string, jti: string): string {
  return `auth:{${accountId}}:st:${jti}`;
}

function epochKey(accountId: string, epoch: number): string {
  return `auth:{${accountId}}:se:${epoch}`;
}
