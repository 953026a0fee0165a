import { randomBytes } from 'node:crypto';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../../kernel/time.js';
import type { BackendName, RateLimitState } from '../decision.js';
import { lossReason, surelyUnheard } from '../failure.js';
import type { OutageFacts } from '../outage-facts.js';
import type { CompiledQuota } from './compiled-quota.js';
import type { Lease, Seat } from './lease.js';
import { LeaseReleases } from './lease-releases.js';
import { LeaseRenewal } from './lease-renewal.js';
import type { LeaseStore } from './lease-store.js';
import { OpenLeases } from './open-leases.js';

/** Nobody knows when a stream of this process will end. */
const LOCAL_RETRY_MS = 5000;
/** While nobody can count. */
const UNAVAILABLE_RETRY_MS = 1000;
/** How long Redis gets, when the process ends, to take leases back; the rest runs out by itself. */
const FAREWELL_MS = 500;

/** How one limit stands for a stream that was to be opened. */
export interface SeatOutcome {
  readonly state: Extract<RateLimitState, 'allow' | 'throttle' | 'unavailable'>;
  /** Streams that may still be opened. */
  readonly remaining: number;
  /** Until a further try may make sense, milliseconds; 0 where there is room. */
  readonly waitMs: number;
}

export interface Admission {
  /** Undefined: denied. */
  readonly lease: Lease | undefined;
  readonly backend: BackendName;
  /** Decided without Redis although Redis should have. */
  readonly degraded: boolean;
  /** In the order of the seats. */
  readonly outcomes: readonly SeatOutcome[];
}

export interface LeasesOptions extends OutageFacts {
  /** Undefined: this process counts alone by choice. */
  readonly store: LeaseStore | undefined;
  readonly clock: Clock;
  /** Told when leases could not be renewed. */
  readonly onRenewalFailed: (error: unknown) => void;
  readonly onChange: (quota: string, by: 1 | -1) => void;
  /** A third of the shortest life of a lease, milliseconds. */
  readonly renewEveryMs: number;
}

/**
 * Counts the streams that are open at once. Redis counts them for all instances, by leases that run out unless the
 * process renews them, so that one that is killed holds nothing for longer than a lease lives. What this process has
 * open is counted here as well, and stays open when Redis is lost.
 */
export class Leases implements OnApplicationShutdown {
  private readonly open: OpenLeases;
  private readonly renewal: LeaseRenewal | undefined;
  private readonly releases: LeaseReleases | undefined;
  private readonly process = randomBytes(9).toString('base64url');
  private issued = 0;

  constructor(private readonly options: LeasesOptions) {
    const { store, clock, lost, renewEveryMs: everyMs, onChange, onRenewalFailed: onFailed } = options;
    const open = (this.open = new OpenLeases(onChange));
    if (!store) return;
    const releases = (this.releases = new LeaseReleases({ store, clock, lost }));
    const onClosedMeanwhile = (leases: readonly Lease[]): void => leases.forEach((one) => releases.add(one));
    this.renewal = new LeaseRenewal({ open, store, clock, lost, everyMs, onClosedMeanwhile, onFailed });
  }

  /** Streams that this process holds open. */
  get size(): number {
    return this.open.size;
  }

  /**
   * Takes a place under every limit, or under none.
   *
   * @param shared whether Redis is to count this stream; false: it was decided before that this process does
   * @throws RedisUnavailableError, RedisCommandError where the purpose is closed
   */
  async acquire(quota: CompiledQuota, seats: readonly Seat[], shared: boolean): Promise<Admission> {
    const { store, lost, closed, clock, chosenIsDegraded } = this.options;
    const id = `${this.process}${(this.issued += 1).toString(36)}`;
    const lease: Lease = { id, quota, seats, shared: shared && store !== undefined, renewedAtMs: -Infinity };
    if (!store || !shared) return this.countHere(lease, chosenIsDegraded);
    const reason = lost();
    if (reason !== undefined && !closed()) return this.substitute(lease, reason);
    const startMs = clock.monotonicMs();
    try {
      const { admitted, counts } = await store.acquire(lease);
      if (admitted) {
        lease.renewedAtMs = startMs;
        this.hold(lease);
      }
      const outcomes = counts.map(({ open, waitMs }, at): SeatOutcome => {
        const left = (seats[at] as Seat).limit.streams - open - (admitted ? 1 : 0);
        return { state: waitMs > 0 ? 'throttle' : 'allow', remaining: Math.max(0, left), waitMs };
      });
      return { lease: admitted ? lease : undefined, backend: 'redis', degraded: false, outcomes };
    } catch (error) {
      return this.afterFailure(lease, error);
    }
  }

  /** The stream has ended. Harmless when it has been said before. */
  close(lease: Lease): void {
    if (this.open.remove(lease) && lease.shared) this.releases?.add(lease);
  }

  /** Redis is back: it gets what it may have lost, and what it does not know yet. */
  returned(): void {
    this.renewal?.now();
    void this.releases?.flush();
  }

  /** Gives everything back, as far as Redis answers in time; its connections are closed after this. */
  async onApplicationShutdown(): Promise<void> {
    this.renewal?.stop();
    for (const lease of this.open.all()) this.close(lease);
    if (!this.releases) return;
    const tooLate = new Promise<void>((resolve) => this.options.clock.after(FAREWELL_MS, resolve));
    await Promise.race([this.releases.flush(), tooLate]);
    this.releases.stop();
  }

  private hold(lease: Lease): void {
    this.open.add(lease);
    if (lease.shared) this.renewal?.watch();
  }

  private afterFailure(lease: Lease, error: unknown): Admission {
    const reason = lossReason(error);
    const admission =
      reason === undefined || this.options.closed()
        ? undefined
        : this.substitute(lease, reason, error as Error);
    // The call may have reached Redis: nobody will hold this lease, so it must not wait until it runs out.
    if (!admission?.lease && !surelyUnheard(error)) this.releases?.add(lease);
    if (!admission) throw error;
    return admission;
  }

  private substitute(lease: Lease, reason: string, error?: Error): Admission {
    this.options.onSubstitute(reason, error);
    const { outage } = lease.quota;
    if (outage === 'local') return this.countHere(lease, true);
    if (outage === 'allow') this.hold(lease);
    const outcomeOf = ({ limit }: Seat): SeatOutcome =>
      outage === 'allow'
        ? { state: 'allow', remaining: limit.streams, waitMs: 0 }
        : { state: 'unavailable', remaining: 0, waitMs: UNAVAILABLE_RETRY_MS };
    return {
      lease: outage === 'allow' ? lease : undefined,
      backend: 'memory',
      degraded: true,
      outcomes: lease.seats.map(outcomeOf),
    };
  }

  /** This instance grants its share of every limit, and at least one stream. */
  private countHere(lease: Lease, degraded: boolean): Admission {
    const instances = this.options.instances();
    const left = lease.seats.map(
      ({ key, limit }) => Math.max(1, Math.floor(limit.streams / instances)) - this.open.countOf(key),
    );
    const admitted = left.every((count) => count > 0);
    if (admitted) this.hold(lease);
    const outcomes = left.map((count): SeatOutcome =>
      count > 0
        ? { state: 'allow', remaining: count - (admitted ? 1 : 0), waitMs: 0 }
        : { state: 'throttle', remaining: 0, waitMs: LOCAL_RETRY_MS },
    );
    return { lease: admitted ? lease : undefined, backend: 'memory', degraded, outcomes };
  }
}
