import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../../kernel/time.js';
import { failClosed, InjectRedis, type PurposeRedis, RedisCommandError } from '../../../redis/index.js';
import { CLOCK, Metrics } from '../../../telemetry/index.js';
import { BACKFILL_CURSOR_KEY, BACKFILL_LOCK_KEY, backfillRunKey } from '../../log/keys.js';
import { AlreadyRunningError, LockLostError } from '../ops.errors.js';
import { checkpoint } from '../ops-scripts.js';
import { BackfillSettings } from '../ops.config.js';
import { type LockOwner, OwnedLock } from '../owned-lock.js';
import {
  type BackfillHead,
  type BackfillRecord,
  progressOf,
  readHead,
  readRecord,
} from './backfill-record.js';

/** As long as events are known. */
const RECORD_LIFE_S = 35 * 86_400;
const RUN_ID = /^[\w-]{1,64}$/;

/** What is remembered of backfills. Every call throws RedisUnavailableError where Redis does not answer. */
@Injectable()
export class BackfillStore {
  constructor(
    @InjectRedis('billingEvents') private readonly redis: PurposeRedis<'billingEvents'>,
    private readonly settings: BackfillSettings,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws AlreadyRunningError with who has it */
  async lock(): Promise<OwnedLock> {
    const { redis: client, clock } = this;
    const taken = await OwnedLock.take({
      client,
      clock,
      key: BACKFILL_LOCK_KEY,
      lifeMs: this.settings.lockMs,
    });
    if (taken instanceof OwnedLock) return taken;
    throw new AlreadyRunningError('A backfill', taken satisfies LockOwner);
  }

  async find(id: string): Promise<BackfillRecord | undefined> {
    if (!RUN_ID.test(id)) return undefined;
    return readRecord(await this.ask(() => this.redis.get(backfillRunKey(id))));
  }

  /** The one that was begun last, and up to where everything was fetched. */
  async last(): Promise<{ readonly record?: BackfillRecord; readonly head?: BackfillHead }> {
    const found = await this.ask(() => this.redis.hmget(BACKFILL_CURSOR_KEY, 'head', 'run'));
    const [headText = null, id] = found ?? [];
    const head = readHead(headText);
    const record = id ? await this.find(id) : undefined;
    return { ...(record && { record }), ...(head && { head }) };
  }

  /**
   * @param head undefined: it stays where it is
   * @throws LockLostError; nothing was written
   */
  async save(lock: OwnedLock, record: BackfillRecord, head: BackfillHead | undefined): Promise<void> {
    const keys = [BACKFILL_LOCK_KEY, BACKFILL_CURSOR_KEY, backfillRunKey(record.id)];
    const askedMs = this.clock.monotonicMs();
    const written = await failClosed('billingEvents', () =>
      checkpoint.run(this.redis, keys, [
        lock.text,
        lock.lifeMs,
        record.id,
        JSON.stringify(record),
        RECORD_LIFE_S,
        head ? JSON.stringify(head) : '',
      ]),
    );
    lock.note(written, askedMs);
    if (!written) throw new LockLostError();
    this.metrics.billingBackfillProgress.set(progressOf(record));
  }

  /** What is foreign is as good as nothing; the first page that is written down says so. */
  private ask<T>(question: () => Promise<T>): Promise<T | null> {
    return failClosed('billingEvents', async () => {
      try {
        return await question();
      } catch (error) {
        if (error instanceof RedisCommandError && error.serverCode === 'WRONGTYPE') return null;
        throw error;
      }
    });
  }
}
