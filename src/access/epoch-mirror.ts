import { Inject, Injectable, Logger } from '@nestjs/common';
import { AppError } from '../kernel/errors.js';
import type { Clock } from '../kernel/time.js';
import {
  InjectRedis,
  LuaScript,
  type PurposeRedis,
  RedisUnavailableError,
  failClosed,
} from '../redis/index.js';
import { CLOCK } from '../telemetry/index.js';
import { EPOCHS, type EpochAuthority } from './epoch-authority.js';
import { OwedEpochs } from './owed-epochs.js';
import { sessionKeys } from './session-keys.js';
import { type Mirrored, UnwrittenEpochs } from './unwritten-epochs.js';

/** A mirror that was confirmed longer ago is confirmed again, beside the request that found it so. */
const CONFIRM_AFTER_MS = 60_000;
/** One that is older still is confirmed before the request goes on. */
const DISTRUST_AFTER_MS = 300_000;

const confirmEpoch = new LuaScript({
  name: 'confirm-epoch',
  file: new URL('./scripts/confirm-epoch.lua', import.meta.url),
  decode: (reply) => {
    const epoch = Number(reply);
    if (!Number.isSafeInteger(epoch) || epoch < 1) throw new TypeError('not an epoch');
    return epoch;
  },
});

/** What the mirror held when SQL was asked. */
interface Seen {
  /** 0: none. */
  readonly before: number;
  /** Undefined: not read. */
  readonly text?: string | null;
}

/**
 * The epoch of a user as Redis mirrors it, `auth:{uid}:ep`. SQL is the authority; the mirror spares it a question per
 * request. It has no TTL, so that sessions live through an outage of SQL, and it may lag behind all the same: the write
 * that follows a bump may be lost with its answer, with the process, or to a fail-over. So
 *
 * - absent, or older than the epoch of the token that is shown: SQL is asked before the request goes on;
 * - confirmed more than a minute ago: SQL is asked beside the request; more than five minutes ago: before it. A lost
 *   write ends sessions late by that much, and no later;
 * - a write that failed is owed by the process that knows of it. It distrusts that user's mirror itself at once, and
 *   writes as soon as Redis answers again, so that the minutes above are for processes that died;
 * - Redis answers and takes no write: what SQL told holds here in place of the mirror, and is asked for as seldom;
 * - SQL away: a mirror that is there holds (unknown is not revoked), and where there is none the answer is 503.
 */
@Injectable()
export class EpochMirror {
  private readonly logger = new Logger('Access');
  private readonly unwritten = new UnwrittenEpochs();
  private readonly asking = new Map<string, Promise<number | undefined>>();

  constructor(
    @InjectRedis('authCache') private readonly redis: PurposeRedis<'authCache'>,
    @Inject(EPOCHS) private readonly authority: EpochAuthority,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly owed: OwedEpochs,
  ) {}

  /**
   * @param text what the mirror holds, as it was read just now
   * @param shown epoch of the token
   * @returns undefined for a user that is not there
   * @throws DatabaseUnavailableError where only SQL could say, RedisUnavailableError
   */
  current(
    userId: string,
    text: string | null,
    shown: number,
  ): number | undefined | Promise<number | undefined> {
    const held = parseMirror(text);
    const mirrored = this.unwritten.find(userId, text) ?? held;
    const seen = { before: held?.epoch ?? 0, text };
    if (!mirrored || mirrored.epoch < shown) return this.askOnce(userId, seen);
    if (this.owed.of(userId) > mirrored.epoch) return this.askOnce(userId, seen);
    // A clock that was set back must not make it young for ever.
    const ageMs = Math.abs(this.clock.nowMs() - mirrored.confirmedAtMs);
    if (ageMs > DISTRUST_AFTER_MS) return this.askOr(userId, seen, mirrored.epoch);
    if (ageMs > CONFIRM_AFTER_MS) this.askLater(userId, seen);
    return mirrored.epoch;
  }

  /** Ends everything of a user in SQL. @returns the new epoch. @throws DatabaseUnavailableError */
  bump(userId: string): Promise<number> {
    return this.authority.bumpEpoch(userId);
  }

  /**
   * Asks SQL, and mirrors what it says where Redis takes it.
   *
   * @param before the epoch that the mirror held
   * @throws DatabaseUnavailableError
   */
  confirm(userId: string, before: number): Promise<number | undefined> {
    return this.askOnce(userId, { before });
  }

  /**
   * Mirrors an epoch that SQL has committed. Where that fails, it is owed.
   *
   * @param keepSession goes on under the new epoch
   * @throws RedisUnavailableError; the epoch stands in SQL all the same
   */
  async follow(userId: string, epoch: number, keepSession?: string): Promise<number> {
    try {
      return await this.write(userId, { epoch, ...(keepSession === undefined ? {} : { keepSession }) });
    } catch (error) {
      this.owed.add(userId, epoch);
      throw error;
    }
  }

  /** Questions about one user at the same time are one. */
  private askOnce(userId: string, seen: Seen): Promise<number | undefined> {
    const asked = this.asking.get(userId);
    if (asked) return asked;
    const answer = this.ask(userId, seen).finally(() => this.asking.delete(userId));
    this.asking.set(userId, answer);
    return answer;
  }

  private async ask(userId: string, { before, text }: Seen): Promise<number | undefined> {
    const told = await this.authority.epochOf(userId);
    if (told === undefined) return undefined;
    if (told < before) {
      this.logger.error(
        'SQL told an older epoch of a user than the mirror in authCache had: SQL went back, as after restoring a backup',
        { user_id: userId, epoch: told, mirrored: before },
      );
    }
    try {
      return await this.write(userId, { epoch: told, before });
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      // SQL is the authority, and has spoken: the old mirror does not hold because it cannot be replaced.
      if (told > before) this.owed.add(userId, told);
      if (text !== undefined)
        this.unwritten.add(userId, text, { epoch: told, confirmedAtMs: this.clock.nowMs() });
      return told;
    }
  }

  /** Unknown is not revoked: where SQL cannot say, what was known before holds. */
  private async askOr(userId: string, seen: Seen, known: number): Promise<number | undefined> {
    try {
      return await this.askOnce(userId, seen);
    } catch (error) {
      if (error instanceof AppError && error.status === 503) return known;
      throw error;
    }
  }

  private askLater(userId: string, seen: Seen): void {
    // Whoever comes next tries again; an outage of SQL is reported by SQL's own compartment.
    this.askOnce(userId, seen).catch(() => undefined);
  }

  private async write(
    userId: string,
    { epoch, before = 0, keepSession }: { epoch: number; before?: number; keepSession?: string },
  ): Promise<number> {
    const keys = sessionKeys(userId);
    const kept = keepSession === undefined ? [] : [keys.session(keepSession)];
    const mirrored = await failClosed('authCache', () =>
      confirmEpoch.run(this.redis, [keys.epoch, ...kept], [epoch, before]),
    );
    this.owed.settle(userId, mirrored);
    return mirrored;
  }
}

function parseMirror(text: string | null): Mirrored | undefined {
  const match = text === null ? null : /^(\d{1,15}):(\d{1,15})$/.exec(text);
  return match ? { epoch: Number(match[1]), confirmedAtMs: Number(match[2]) } : undefined;
}
