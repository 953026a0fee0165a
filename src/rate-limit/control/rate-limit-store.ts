import type { Clock } from '../../kernel/time.js';
import type { Quotas } from '../leases/compiled-quota.js';
import type { PolicyBook } from '../policies/plan.js';
import type { PolicyMode } from './override.js';
import type { Rulings } from './rulings.js';

/** Where the number of instances comes from: RATE_LIMIT_INSTANCES, heartbeats in Redis, or nowhere yet. */
export type InstancesSource = 'setting' | 'heartbeat' | 'assumed';

/** Facts about what counts, as endpoints show them. Holds no subject and no secret. */
export interface StoreFacts {
  /** Who counts now. `none`: Redis is away, and the purpose is closed then. */
  readonly backend: 'redis' | 'memory' | 'none';
  /** Who was chosen by RATE_LIMIT_BACKEND. */
  readonly configured: 'redis' | 'memory';
  /** Since when the present one counts; ISO 8601. */
  readonly since: string;
  readonly healthy: boolean;
  /** `open`: Redis is not asked; always closed where memory was chosen. */
  readonly breaker: { readonly state: 'closed' | 'open'; readonly reason?: string };
  readonly instances: { readonly count: number; readonly source: InstancesSource };
  readonly canary_percent: number;
  /** Subjects that this process remembers. */
  readonly subjects: number;
  readonly blocked: number;
  readonly overrides: number;
  /** Of the rulings in Redis, and of what this process makes of them. */
  readonly version: number;
  readonly edition: number;
  /** Policies that count and report, and never deny. */
  readonly shadowed: readonly string[];
}

export interface StoreInfo extends StoreFacts {
  readonly policies: readonly PolicyInfo[];
  readonly stream_quotas: readonly StreamQuotaInfo[];
}

export interface StreamQuotaInfo {
  readonly name: string;
  readonly lease_ms: number;
  readonly outage: string;
  readonly limits: readonly { readonly name: string; readonly per: string; readonly streams: number }[];
}

export interface PolicyInfo {
  readonly name: string;
  readonly mode: PolicyMode;
  readonly limits: readonly {
    readonly name: string;
    readonly per: string;
    readonly kind: 'rate' | 'window';
    readonly quota: number;
    readonly window_ms: number;
    readonly burst: number;
    readonly outage: string;
  }[];
}

export interface RateLimitStoreParts {
  readonly configured: 'redis' | 'memory';
  readonly canaryPercent: number;
  readonly book: PolicyBook;
  readonly rulings: Rulings;
  readonly subjects: () => number;
  readonly instances: () => StoreFacts['instances'];
  /** Why Redis cannot be asked now; undefined: it can, or was not chosen. */
  readonly lost: () => string | undefined;
  /** Whether the purpose answers 503 while Redis is away. */
  readonly closed: () => boolean;
  /** Wall clock of the last change between up and lost, milliseconds; undefined: as long as this process. */
  readonly sinceMs: () => number | undefined;
  readonly clock: Clock;
}

/** What counts, for whoever operates it. It only looks, at what this process knows already; no Redis is asked. */
export class RateLimitStore {
  private readonly startedMs: number;

  constructor(private readonly parts: RateLimitStoreParts) {
    this.startedMs = parts.clock.nowMs();
  }

  /** Whether limits are counted where the settings say. */
  isHealthy(): boolean {
    return this.parts.lost() === undefined;
  }

  facts(): StoreFacts {
    const { configured, canaryPercent, book, rulings, subjects, instances, lost, closed, sinceMs } =
      this.parts;
    const reason = lost();
    const substitute = closed() ? 'none' : 'memory';
    return {
      backend: reason === undefined ? configured : substitute,
      configured,
      since: new Date(sinceMs() ?? this.startedMs).toISOString(),
      healthy: this.isHealthy(),
      breaker: reason === undefined ? { state: 'closed' } : { state: 'open', reason },
      instances: instances(),
      canary_percent: canaryPercent,
      subjects: subjects(),
      blocked: rulings.blockCount,
      overrides: rulings.all().length,
      version: Math.max(0, rulings.version),
      edition: rulings.edition,
      shadowed: book.shadowed(),
    };
  }

  info(): StoreInfo {
    const { book, rulings } = this.parts;
    return { ...this.facts(), policies: policiesOf(book), stream_quotas: quotasOf(rulings.quotas) };
  }
}

function policiesOf(book: PolicyBook): readonly PolicyInfo[] {
  const shadowed = new Set(book.shadowed());
  return book.all().map(({ name, limits }) => ({
    name,
    mode: shadowed.has(name) ? 'shadow' : 'enforce',
    limits: limits.map(({ limit }) => ({
      name: limit.name,
      per: limit.per,
      kind: limit.kind,
      quota: limit.quota,
      window_ms: limit.windowMs,
      burst: limit.burst,
      outage: limit.outage,
    })),
  }));
}

function quotasOf(quotas: Quotas): readonly StreamQuotaInfo[] {
  return [...quotas.values()].map(({ name, leaseMs, outage, limits }) => ({
    name,
    lease_ms: leaseMs,
    outage,
    limits: limits.map((limit) => ({ name: limit.name, per: limit.per, streams: limit.streams })),
  }));
}
