import type { Clock } from '../../kernel/time.js';

const MOST = 10_000;
/** An operator may have given the customer to another tenant, by way of another process. */
const FRESH_MS = 60_000;
/** For as long as SQL may be away without a known customer being turned away. */
const KEPT_MS = 3_600_000;

interface Known {
  readonly tenantId: string;
  readonly readMs: number;
}

/** The tenants of the customers that this process met last; at most ten thousand. */
export class KnownCustomers {
  private readonly entries = new Map<string, Known>();

  constructor(private readonly clock: Clock) {}

  /** @returns undefined where SQL has to be asked */
  fresh(customerId: string): string | undefined {
    return this.younger(customerId, FRESH_MS);
  }

  /** For while SQL cannot be asked: what held an hour ago at most. */
  kept(customerId: string): string | undefined {
    return this.younger(customerId, KEPT_MS);
  }

  remember(customerId: string, tenantId: string): void {
    // Deleted first, so that the order of the entries is that of their use.
    this.entries.delete(customerId);
    this.entries.set(customerId, { tenantId, readMs: this.clock.monotonicMs() });
    if (this.entries.size <= MOST) return;
    const [oldest] = this.entries.keys();
    if (oldest !== undefined) this.entries.delete(oldest);
  }

  private younger(customerId: string, ageMs: number): string | undefined {
    const known = this.entries.get(customerId);
    if (!known || this.clock.monotonicMs() - known.readMs > ageMs) return undefined;
    return known.tenantId;
  }
}
