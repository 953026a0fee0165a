import { Injectable } from '@nestjs/common';
import { InjectRedis, type PurposeRedis, failClosed } from '../redis/index.js';
import { AccessSettings } from './access.config.js';
import type { LookedUp } from './look-up-batch.js';
import { sessionKeys } from './session-keys.js';
import { SessionLookUps } from './session-look-ups.js';
import { type Created, createSession, touchSession } from './session-scripts.js';
import { type SessionValue, fixedFields, parseSession } from './session-value.js';

/** Sessions of one user; whoever begins one more ends the one that would have ended first. */
const MOST_SESSIONS = 100;
/** Use is noted once in this time. */
export const TOUCH_AFTER_MS = 60_000;

export interface StoredSession {
  readonly sessionId: string;
  readonly epoch: number;
  readonly familyId: string;
  readonly amr: readonly string[];
  /** Sealed. */
  readonly client: string;
}

/**
 * The keys of sessions in authCache: `auth:{uid}:s:<sid>`, each with its TTL, and `auth:{uid}:sx`, the index. What takes
 * more than one of them is one script, or safe to ask for again.
 *
 * Every method throws RedisUnavailableError, also where something foreign is in the place of the index: sessions that cannot
 * be found must not be said to have ended.
 */
@Injectable()
export class SessionStore {
  constructor(
    @InjectRedis('authCache') private readonly redis: PurposeRedis<'authCache'>,
    private readonly settings: AccessSettings,
    private readonly lookUps: SessionLookUps,
  ) {}

  /** @throws TypeError for fields that would break the format */
  begin(userId: string, { sessionId, epoch, familyId, amr, client }: StoredSession): Promise<Created> {
    const { sessionLifeMs, sessionIdleMs } = this.settings;
    const { index, session, epoch: mirror } = sessionKeys(userId);
    const limits = [sessionLifeMs, sessionIdleMs, MOST_SESSIONS];
    const fields = [...fixedFields(familyId, amr), client];
    const keys = [index, session(sessionId), mirror];
    return failClosed('authCache', () =>
      createSession.run(this.redis, keys, [sessionId, epoch, ...limits, ...fields]),
    );
  }

  /** @returns whether it is there */
  touch(userId: string, sessionId: string): Promise<boolean> {
    const { index, session } = sessionKeys(userId);
    const args = [sessionId, this.settings.sessionIdleMs, TOUCH_AFTER_MS];
    return failClosed('authCache', () => touchSession.run(this.redis, [session(sessionId), index], args));
  }

  /** One MGET, together with what others ask in the same turn: what a request needs to know. */
  lookUp(userId: string, sessionId: string): Promise<LookedUp> {
    return this.lookUps.find(userId, sessionId);
  }

  /** Of sessions that are on the index, whether they live or not. */
  ids(userId: string): Promise<string[]> {
    return failClosed('authCache', () => this.redis.zrange(sessionKeys(userId).index, '0', '-1'));
  }

  /** In the order of the ids, one at least. */
  async read(
    userId: string,
    ids: readonly string[],
  ): Promise<{ values: (SessionValue | undefined)[]; mirror: string | null }> {
    const { session, epoch } = sessionKeys(userId);
    const [mirror = null, ...texts] = await this.redis.mget(epoch, ...ids.map(session));
    return { values: texts.map(parseSession), mirror };
  }

  /**
   * Keys before index: what a fault leaves on the index ends nothing, while a session that it no longer lists could not be
   * found again. @returns how many there were
   */
  async remove(userId: string, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const { index, session } = sessionKeys(userId);
    const [removed] = await failClosed('authCache', () =>
      Promise.all([this.redis.unlink(...ids.map(session)), this.redis.zrem(index, ...ids)]),
    );
    return removed;
  }
}
