import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import type { Metrics, RepeatGuard } from '../telemetry/index.js';
import {
  type PurposeStatus,
  RedisCommandError,
  type RedisStatus,
  RedisUnavailableError,
} from '../redis/index.js';
import type { KeyedLimit } from './gcra.js';
import type { BackendDecision, RateLimitBackend } from './rate-limit.backend.js';

export interface BackendSwitchParts {
  readonly redis: RateLimitBackend;
  readonly memory: RateLimitBackend;
  readonly status: RedisStatus;
  readonly purpose: string;
  readonly metrics: Metrics;
  /** At most one line per interval about calls that Redis refuses one by one. */
  readonly warnings: RepeatGuard;
}

/**
 * Counts in Redis while the purpose is up and in this process while it is not, and says so each time: in the
 * decision, in a metric, in the request log. It never probes: the status of the purpose comes back by itself, and the
 * next decision is Redis's again. A purpose whose outage is set to closed gets no substitute.
 *
 * A call that failed is decided again, in memory, for the same check. Should Redis have counted it all the same
 * (its answer was lost), then it is counted once there and once here, but never twice by one backend.
 */
export class BackendSwitch implements RateLimitBackend, OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('RateLimit');
  private latest: PurposeStatus | undefined;
  private subscription: Subscription | undefined;

  constructor(private readonly parts: BackendSwitchParts) {}

  onModuleInit(): void {
    const { status, purpose } = this.parts;
    this.subscription = status.changes(purpose).subscribe((next) => {
      const returned = next.state === 'up' && this.latest?.state !== 'up';
      this.latest = next;
      if (returned) this.logger.log('Redis rate limiting backend connected');
    });
  }

  onApplicationShutdown(): void {
    this.subscription?.unsubscribe();
  }

  async spend(limits: readonly KeyedLimit[]): Promise<BackendDecision> {
    const { state, outage, reason } = this.latest ?? {};
    if (outage !== 'closed' && state !== 'up') return this.substitute(limits, reason ?? 'other');
    try {
      return await this.parts.redis.spend(limits);
    } catch (error) {
      if (outage === 'closed') throw error;
      if (error instanceof RedisUnavailableError) {
        // The probe only writes a key; a script that may not run does not show in the state of the compartment.
        if (error.reason === 'noperm') this.sayRefused(error);
        return this.substitute(limits, error.reason);
      }
      if (!(error instanceof RedisCommandError)) throw error;
      // The server refused this one call, for instance because somebody put a list under the key.
      this.sayRefused(error);
      return this.substitute(limits, 'other');
    }
  }

  /** The compartment may seem well, and then nobody else says that its calls fail. */
  private sayRefused(error: Error): void {
    this.parts.warnings.once('refused', () => this.logger.error(`Counting in memory: ${error.message}`));
  }

  private substitute(limits: readonly KeyedLimit[], reason: string): Promise<BackendDecision> {
    // Not logged: that the compartment is lost is said once, where its state is followed.
    const { metrics, purpose, memory } = this.parts;
    metrics.redisFallback.inc({ purpose, reason });
    return memory.spend(limits);
  }
}
