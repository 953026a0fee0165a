import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../kernel/time.js';
import { isUuid } from '../kernel/uuid.js';
import { CLOCK } from '../telemetry/index.js';
import { type AccessDenial, InvalidTokenError } from './access.errors.js';
import { EpochMirror } from './epoch-mirror.js';
import { maskedAddress } from './masked-address.js';
import { type SessionClient, SessionClientSeal } from './session-client.js';
import { SessionStore, TOUCH_AFTER_MS } from './session-store.js';
import type { SessionValue } from './session-value.js';

export interface NewSession extends SessionClient {
  readonly userId: string;
  /** Authentication methods (RFC 8176): `pwd`, `otp` …; seven at most. */
  readonly amr: readonly string[];
  /** Of its refresh tokens; 1 to 64 letters, digits, `_` or `-`. */
  readonly familyId: string;
  /** As SQL told it when the credentials were checked, or earlier. */
  readonly epoch: number;
}

export interface CreatedSession {
  readonly sessionId: string;
  readonly createdAtMs: number;
  /** It ends then, however much it is used; earlier after AUTH_SESSION_IDLE_MS without use. */
  readonly endsAtMs: number;
}

/** What the owner is shown of a session. Times are milliseconds since the epoch. */
export interface SessionView extends CreatedSession {
  readonly lastSeenAtMs: number;
  readonly amr: readonly string[];
  readonly familyId: string;
  /** `192.0.2.x` or `2001:db8:xxxx`; undefined: not known. */
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
}

export interface LiveSessionCheck {
  readonly live: true;
  readonly lastSeenAtMs: number;
  readonly familyId: string;
}

export type SessionCheck =
  | LiveSessionCheck
  | { readonly live: false; readonly reason: Extract<AccessDenial, 'unknown-session' | 'other-epoch'> };

/**
 * Sessions, in authCache. Whether a session lives is the answer to three questions: is its key there, does it carry the
 * epoch of the token, and is that the epoch of the user?
 *
 * - **Redis lost its data** (FLUSHALL, a new server): the keys are absent, so sessions end. None comes back, because
 *   nothing but a login makes one.
 * - **Everything of a user ends** (`revokeAll`, `endOlder`): SQL first, where the epoch is committed, then the mirror,
 *   then the keys. If Redis is away for the second step, the caller gets its 503 and the epoch stands: meanwhile nobody
 *   gets in, since every check is 503 as well; and afterwards `EpochMirror` sees to it that the old mirror does not
 *   hold. Asking again is safe, and ends everything once more. If SQL is away for the first step, nothing was done.
 * - **One session ends, or the others** (`revoke`, `revokeOthers`): in Redis alone. What was acknowledged may come back
 *   only where Redis itself goes back: a fail-over to a replica that had not got the write, or a start from an older
 *   file. Whoever must not bear that (theft, a changed password) bumps the epoch and uses `endOlder`, which can keep one.
 * - **Redis is away**: RedisUnavailableError from every method, 503, never a verdict.
 *
 * Every key but the mirror of the epoch has a TTL. No value holds an address or a user agent that is not sealed.
 */
@Injectable()
export class Sessions {
  constructor(
    private readonly store: SessionStore,
    private readonly epochs: EpochMirror,
    private readonly clients: SessionClientSeal,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * @throws InvalidTokenError where everything of the user ended since the credentials were checked,
   * RedisUnavailableError (the session may be there then; nobody has its id), TypeError for fields of another shape
   */
  async create({ userId, familyId, amr, epoch, ...client }: NewSession): Promise<CreatedSession> {
    const sessionId = randomUUID();
    const sealed = this.clients.seal(sessionId, client);
    const session = { sessionId, epoch, familyId, amr, client: sealed };
    let created = await this.store.begin(userId, session);
    if (created.epoch > epoch) {
      // Unless the mirror is ahead of SQL, which happens when SQL was restored from a backup.
      const current = await this.epochs.confirm(userId, created.epoch);
      if (current === epoch) created = await this.store.begin(userId, session);
      if (created.epoch > epoch) throw new InvalidTokenError('other-epoch');
    }
    await this.store.remove(userId, created.overflow);
    return { sessionId, createdAtMs: created.createdAtMs, endsAtMs: created.endsAtMs };
  }

  /**
   * Whether the session of a token lives. One MGET; SQL is asked only where the mirror of the epoch does not say.
   *
   * @throws RedisUnavailableError, DatabaseUnavailableError
   */
  async check(userId: string, sessionId: string, epoch: number): Promise<SessionCheck> {
    const { session, mirror } = await this.store.lookUp(userId, sessionId);
    if (!session) return { live: false, reason: 'unknown-session' };
    if (session.epoch !== epoch) return { live: false, reason: 'other-epoch' };
    const current = await this.epochs.current(userId, mirror, epoch);
    if (current !== epoch) return { live: false, reason: 'other-epoch' };
    return { live: true, lastSeenAtMs: session.seenAtMs, familyId: session.familyId };
  }

  /** Notes use, once a minute at most. @returns whether the session is there. @throws RedisUnavailableError */
  touch(userId: string, sessionId: string): Promise<boolean> {
    return this.store.touch(userId, sessionId);
  }

  /**
   * Has the use of a session noted that `check` has just found, beside the request: when it was last used must not cost it
   * its answer, so this never fails. The next request tries again.
   */
  noteUse(userId: string, sessionId: string, { lastSeenAtMs }: LiveSessionCheck): void {
    // Nothing would be noted, and Redis need not be asked to find that out.
    if (this.clock.nowMs() - lastSeenAtMs < TOUCH_AFTER_MS) return;
    this.touch(userId, sessionId).catch(() => undefined);
  }

  /** The live sessions of a user, the newest first; a hundred at most. @throws as `check` */
  async list(userId: string): Promise<SessionView[]> {
    const views = await this.read(userId, await this.store.ids(userId));
    return views.sort((a, b) => b.createdAtMs - a.createdAtMs);
  }

  /** @returns undefined where the user has no such live session. @throws as `check` */
  async get(userId: string, sessionId: string): Promise<SessionView | undefined> {
    if (!isUuid(sessionId)) return undefined;
    return (await this.read(userId, [sessionId]))[0];
  }

  /** @returns whether there was such a session. @throws RedisUnavailableError; asking again is safe */
  async revoke(userId: string, sessionId: string): Promise<boolean> {
    return isUuid(sessionId) && (await this.store.remove(userId, [sessionId])) > 0;
  }

  /** Ends all but one. @returns how many. @throws RedisUnavailableError; asking again is safe */
  async revokeOthers(userId: string, keepSessionId: string): Promise<number> {
    const ids = await this.store.ids(userId);
    return this.store.remove(
      userId,
      ids.filter((id) => id !== keepSessionId),
    );
  }

  /**
   * Ends everything of a user: SQL first.
   *
   * @returns the new epoch
   * @throws DatabaseUnavailableError (nothing ended, unless it says maybeExecuted), RedisUnavailableError (the epoch
   * stands in SQL)
   */
  async revokeAll(userId: string): Promise<number> {
    const epoch = await this.epochs.bump(userId);
    await this.endOlder(userId, epoch);
    return epoch;
  }

  /**
   * For whoever bumped the epoch in a transaction of his own, with a new password for instance: ends what is older.
   *
   * @param keepSessionId goes on under the new epoch; its access tokens do not, so it needs a new one
   * @throws RedisUnavailableError; the epoch stands in SQL
   */
  async endOlder(userId: string, epoch: number, keepSessionId?: string): Promise<void> {
    await this.epochs.follow(userId, epoch, keepSessionId);
    // They have ended already; what follows only takes them out of the way.
    const ids = await this.store.ids(userId);
    if (ids.length === 0) return;
    const { values } = await this.store.read(userId, ids);
    const ended = ids.filter((_, at) => (values[at]?.epoch ?? 0) < epoch);
    await this.store.remove(userId, ended);
  }

  private async read(userId: string, ids: readonly string[]): Promise<SessionView[]> {
    if (ids.length === 0) return [];
    const { values, mirror } = await this.store.read(userId, ids);
    const newest = Math.max(...values.map((value) => value?.epoch ?? 0));
    if (newest === 0) return [];
    const current = await this.epochs.current(userId, mirror, newest);
    return ids.flatMap((sessionId, at) => {
      const value = values[at];
      return value && value.epoch === current ? [this.viewOf(sessionId, value)] : [];
    });
  }

  private viewOf(sessionId: string, value: SessionValue): SessionView {
    const { createdAtMs, endsAtMs, seenAtMs, amr, familyId, client } = value;
    const { address = '', userAgent } = this.clients.open(sessionId, client);
    const times = { createdAtMs, endsAtMs, lastSeenAtMs: seenAtMs };
    return { sessionId, ...times, amr, familyId, address: maskedAddress(address), userAgent };
  }
}
