import { Injectable } from '@nestjs/common';
import { KeyRing } from '../../kernel/key-ring.js';
import {
  InjectRedis,
  type PurposeRedis,
  RedisCommandError,
  RedisUnavailableError,
  failClosed,
} from '../../redis/index.js';
import { Metrics } from '../../telemetry/index.js';
import { AuthSettings } from '../auth.config.js';
import { confirmFamily, familyOwner, rotateFamily, startFamily, tellFamily } from './family-scripts.js';
import { mintRefreshToken, newFamilyId, readRefreshToken } from './refresh-token.js';
import {
  type FamilyOwner,
  type IssuedRefreshToken,
  type Rotation,
  momentOf,
  readRotation,
} from './rotation.js';
import { sealSuccessor } from './sealed-successor.js';

const DIGEST = 'refresh-token';
/** A family is kept beyond its end, so that a late client hears `expired`, and `unknown` means that something is amiss. */
const KEPT_MS = 86_400_000;

export interface NewFamily extends FamilyOwner {
  /** Of the session, milliseconds since the epoch: its tokens end no later. Unset: AUTH_REFRESH_LIFE_MS from now. */
  readonly endsAtMs?: number;
}

/**
 * Refresh tokens, in authCache. A login begins a family; each token of it is exchanged once for its successor. One
 * script on one key decides, so of any number of requests with one token all get the same successor.
 *
 * **A lost answer.** A call whose answer did not come throws RedisUnavailableError, and may have been carried out.
 * Presenting the same token again is always right: it is either exchanged now or answered as it was then.
 *
 * **Theft.** Whoever presents a token that was exchanged longer ago than the grace, and whose successor was used,
 * ends the family: two hold it, and who is the owner cannot be told. The last token is answered for longer, while
 * nobody has used its successor; `confirm` ends that sooner.
 *
 * **What Redis holds** are digests under AUTH_REFRESH_PEPPER, and successors sealed under the tokens that they were
 * handed out for. Who reads Redis and knows all keys of ours opens none of them.
 */
@Injectable()
export class RefreshFamilies {
  private readonly ring: KeyRing;

  constructor(
    @InjectRedis('authCache') private readonly redis: PurposeRedis<'authCache'>,
    private readonly settings: AuthSettings,
    private readonly metrics: Metrics,
  ) {
    this.ring = new KeyRing(settings.refreshPepper);
  }

  /** The id of a family that begins: a session is told it before the family can be told the session. */
  newId(): string {
    return newFamilyId();
  }

  /**
   * @returns its first token
   * @throws RedisUnavailableError (the family may be there then; nobody has its token), RangeError where the id is taken
   */
  async start({ familyId, userId, sessionId, endsAtMs = 0 }: NewFamily): Promise<IssuedRefreshToken> {
    const token = mintRefreshToken(this.ring, familyId, 0);
    const { refreshLifeMs, refreshIdleMs } = this.settings;
    const digest = this.ring.digest(DIGEST, token.body);
    const lives = [refreshLifeMs, refreshIdleMs, Math.floor(endsAtMs), KEPT_MS];
    const times = await this.counted(async () => {
      const args = [userId, sessionId, digest, ...lives];
      const [ends, idleEnds] = await startFamily.run(this.redis, [keyOf(familyId)], args);
      if (ends === undefined) throw new RangeError('A family of refresh tokens begins once');
      return readReply('start-family', () => ({
        endsAtMs: momentOf(ends),
        idleEndsAtMs: momentOf(idleEnds),
      }));
    });
    this.metrics.authRefresh.inc({ outcome: 'started' });
    return { familyId, userId, sessionId, token: token.text, generation: 0, ...times };
  }

  /**
   * @param presented whatever a client sent
   * @throws RedisUnavailableError; presenting the same token again is safe
   */
  async rotate(presented: unknown): Promise<Rotation> {
    const token = readRefreshToken(this.ring, presented);
    if (!token) {
      this.metrics.authRefresh.inc({ outcome: 'forged' });
      return { kind: 'unknown' };
    }
    const { familyId, generation, body } = token;
    const successor = mintRefreshToken(this.ring, familyId, generation + 1);
    const { refreshIdleMs, refreshGraceMs, refreshLostReplyMs } = this.settings;
    const offered = [this.ring.digest(DIGEST, successor.body), sealSuccessor(token, successor)];
    const rules = [refreshIdleMs, refreshGraceMs, refreshLostReplyMs, KEPT_MS];
    const args = [generation, ...offered, ...rules, ...this.ring.digests(DIGEST, body)];
    const rotation = await this.counted(async () => {
      const reply = await rotateFamily.run(this.redis, [keyOf(familyId)], args);
      return readReply('rotate-family', () => readRotation(reply, token, successor));
    });
    this.metrics.authRefresh.inc({ outcome: rotation.kind });
    return rotation;
  }

  /**
   * Whoever uses an access token that was issued together with this generation has received it: from now on the token
   * before it is answered within the grace only.
   *
   * @throws RedisUnavailableError; asking again is safe
   */
  async confirm(familyId: string, generation: number): Promise<void> {
    await failClosed('authCache', () => confirmFamily.run(this.redis, [keyOf(familyId)], [generation]));
  }

  /** The owner knows that it was reused. @throws RedisUnavailableError; asking again is safe */
  async tell(familyId: string): Promise<void> {
    await failClosed('authCache', () => tellFamily.run(this.redis, [keyOf(familyId)], []));
  }

  /** Its tokens are unknown from now on. @throws RedisUnavailableError; asking again is safe */
  async revoke(familyId: string): Promise<void> {
    await this.redis.unlink(keyOf(familyId));
  }

  /**
   * Whose login a token is of, for a logout: any token of it that we issued, also one that was exchanged.
   *
   * @param presented whatever a client sent
   * @returns undefined for what is not ours (Redis is not asked), and where nothing is left of the family
   * @throws RedisUnavailableError; asking again is safe
   */
  async ownerOf(presented: unknown): Promise<FamilyOwner | undefined> {
    const familyId = readRefreshToken(this.ring, presented)?.familyId;
    if (familyId === undefined) return undefined;
    const [userId, sessionId] = await failClosed('authCache', () =>
      familyOwner.run(this.redis, [keyOf(familyId)], []),
    );
    return userId === undefined || sessionId === undefined ? undefined : { familyId, userId, sessionId };
  }

  private async counted<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await failClosed('authCache', ask);
    } catch (error) {
      if (error instanceof RedisUnavailableError) this.metrics.authRefresh.inc({ outcome: 'unavailable' });
      throw error;
    }
  }
}

/** A reply of another shape is the server's failure, not a bug of the caller's. */
function readReply<T>(script: string, decode: () => T): T {
  try {
    return decode();
  } catch {
    throw new RedisCommandError('authCache', script, 'REPLY', 'the server answered in another shape');
  }
}

/** @throws TypeError for what cannot be the id of a family: it becomes part of a name */
function keyOf(familyId: string): string {
  if (!/^[\w-]{22}$/.test(familyId)) throw new TypeError('The id of a family is 22 characters of base64url');
  return `auth:{rf:${familyId}}`;
}
