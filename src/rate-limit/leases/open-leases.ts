import type { Lease } from './lease.js';

/**
 * The streams that this process holds open, counted by subject. They are counted here whoever decides, so that the
 * count is right at the moment when Redis is lost.
 */
export class OpenLeases {
  private readonly leases = new Map<string, Lease>();
  private readonly counts = new Map<string, number>();

  /** @param onChange told the change of a quota's number of open streams */
  constructor(private readonly onChange: (quota: string, by: 1 | -1) => void) {}

  get size(): number {
    return this.leases.size;
  }

  has({ id }: Lease): boolean {
    return this.leases.has(id);
  }

  all(): Lease[] {
    return [...this.leases.values()];
  }

  /** Open streams of one subject under one limit. */
  countOf(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  add(lease: Lease): void {
    this.leases.set(lease.id, lease);
    for (const { key } of lease.seats) this.counts.set(key, this.countOf(key) + 1);
    this.onChange(lease.quota.name, 1);
  }

  /** @returns false where it was not open, or not any more */
  remove(lease: Lease): boolean {
    if (!this.leases.delete(lease.id)) return false;
    for (const { key } of lease.seats) {
      const left = this.countOf(key) - 1;
      if (left > 0) this.counts.set(key, left);
      else this.counts.delete(key);
    }
    this.onChange(lease.quota.name, -1);
    return true;
  }
}
