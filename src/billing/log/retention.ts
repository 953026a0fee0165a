import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Clock, Timer } from '../../kernel/time.js';
import { failClosed, InjectRedis, type PurposeRedis, RedisUnavailableError } from '../../redis/index.js';
import { CLOCK, Metrics, RepeatGuard } from '../../telemetry/index.js';
import { BillingLogSettings } from './billing-log.config.js';
import { isTenantId } from './event-rules.js';
import { LOG_KEY, PROJECTOR_GROUP, TENANTS_KEY, tenantKey } from './keys.js';
import { UNASSIGNED } from './log-entry.js';
import { trimLog, trimTenant } from './log-scripts.js';

const EVERY_MS = 60_000;
const WARN_EVERY_MS = 3_600_000;
/** One call holds Redis up for a millisecond or so. */
const ENTRIES_AT_ONCE = 500;
const TENANTS_AT_ONCE = 100;
/** A turn ends after so many calls, and the next one goes on. */
const CALLS_PER_TURN = 400;
/** Tenants with entries are looked at this often: their streams live up to this much longer than they should. */
const TENANT_PAUSE_MS = 3_600_000;

/**
 * Removes what has lived its time, a little at a time. Streams are trimmed and never expire: one that is gone would begin
 * its ids anew. What the projector has not acknowledged stays, whatever its age and number, so that a projector that is
 * away costs memory and no event. Every process does this; the work of one leaves nothing for the others.
 */
@Injectable()
export class Retention implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('BillingRetention');
  private readonly repeats: RepeatGuard;
  private timer: Timer | undefined;
  private ended = false;

  constructor(
    @InjectRedis('billingEvents', 'bulk') private readonly redis: PurposeRedis<'billingEvents'>,
    private readonly settings: BillingLogSettings,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.repeats = new RepeatGuard(clock, WARN_EVERY_MS);
  }

  onApplicationBootstrap(): void {
    this.schedule();
  }

  /** A turn that is under way ends by itself: each of its steps is whole. */
  beforeApplicationShutdown(): void {
    this.ended = true;
    this.timer?.cancel();
  }

  /**
   * One turn: as much as is due, within bounds.
   *
   * @throws RedisUnavailableError
   */
  async turn(): Promise<void> {
    const calls = await this.trimLog(CALLS_PER_TURN / 2);
    await this.trimTenants(CALLS_PER_TURN - calls);
  }

  private schedule(): void {
    this.timer = this.clock.after(EVERY_MS, () => {
      void this.turn()
        .catch((error: unknown) => {
          // An outage is told by its compartment, once.
          if (!(error instanceof RedisUnavailableError)) this.logger.error(error);
        })
        .finally(() => {
          if (!this.ended) this.schedule();
        });
    });
  }

  private async trimLog(mostCalls: number): Promise<number> {
    const { retentionMs, mostEntries } = this.settings;
    for (let calls = 1; ; calls += 1) {
      const trimmed = await failClosed('billingEvents', () =>
        trimLog.run(this.redis, [LOG_KEY], [retentionMs, mostEntries, PROJECTOR_GROUP, ENTRIES_AT_ONCE]),
      );
      this.metrics.billingTrimmedEntries.inc({ stream: 'log' }, trimmed.removed);
      if (trimmed.more && calls < mostCalls && !this.ended) continue;
      this.note(trimmed);
      return calls;
    }
  }

  private async trimTenants(mostCalls: number): Promise<void> {
    for (let calls = 0; calls < mostCalls && !this.ended;) {
      // Those that are not done yet, or wait to be looked at for the first time, stand at the front.
      const due = await failClosed('billingEvents', () =>
        this.redis.zrange(
          TENANTS_KEY,
          '-inf',
          String(this.clock.nowMs()),
          'BYSCORE',
          'LIMIT',
          0,
          TENANTS_AT_ONCE,
        ),
      );
      if (due.length === 0) return;
      for (const tenantId of due) await this.trimTenant(tenantId);
      calls += due.length;
    }
  }

  private async trimTenant(tenantId: string): Promise<void> {
    if (!isTenantId(tenantId)) {
      this.metrics.billingForeignEntries.inc();
      await failClosed('billingEvents', () => this.redis.zrem(TENANTS_KEY, tenantId));
      return;
    }
    const { retentionMs, tenantRetentionMs, mostEntries } = this.settings;
    // What may still be given to a tenant is kept for as long as the log has it.
    const lifeMs = tenantId === UNASSIGNED ? retentionMs : tenantRetentionMs;
    const args = [tenantId, lifeMs, mostEntries, ENTRIES_AT_ONCE, TENANT_PAUSE_MS];
    const { removed, foreign } = await failClosed('billingEvents', () =>
      trimTenant.run(this.redis, [TENANTS_KEY, tenantKey(tenantId)], args),
    );
    this.metrics.billingTrimmedEntries.inc({ stream: 'tenant' }, removed);
    if (foreign) this.metrics.billingForeignEntries.inc();
  }

  private note({ length, held }: { length: number; held: boolean }): void {
    this.metrics.billingTrimHeld.set(held ? 1 : 0);
    if (!held) return;
    this.repeats.once('held', () =>
      this.logger.warn(
        'The billing log keeps entries beyond BILLING_STREAM_RETENTION_DAYS or BILLING_STREAM_MAXLEN: the projector has ' +
          'not acknowledged them. See what it fails at; the log grows until then.',
        { entries: length },
      ),
    );
  }
}
