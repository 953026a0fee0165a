import { Injectable } from '@nestjs/common';
import { Channel } from './channel.js';
import { EncodedBatches } from './encoded-batches.js';
import { BillingStreamSettings } from './stream.config.js';

/**
 * The channels of all tenants. Their rings together keep to BILLING_RING_BYTES: the tenant that was quiet for longest
 * loses its oldest event first, and its clients then read from Redis.
 */
@Injectable()
export class Channels {
  private readonly byTenant = new Map<string, Channel>();
  /** Those that have events in their rings, in the order of their last event. */
  private readonly filled = new Set<Channel>();
  private readonly batches = new EncodedBatches();
  private bytes = 0;

  constructor(private readonly settings: BillingStreamSettings) {}

  get size(): number {
    return this.byTenant.size;
  }

  /** Of all rings. */
  get ringBytes(): number {
    return this.bytes;
  }

  of(tenantId: string): Channel {
    let channel = this.byTenant.get(tenantId);
    if (!channel) {
      channel = new Channel(tenantId, this.settings.ringEvents, this.batches);
      this.byTenant.set(tenantId, channel);
    }
    return channel;
  }

  /** Changes a channel's ring and then keeps to the bound. */
  change(channel: Channel, change: () => void): void {
    const before = channel.ring.bytes;
    change();
    this.bytes += channel.ring.bytes - before;
    this.filled.delete(channel);
    if (channel.ring.size > 0) this.filled.add(channel);
    if (this.bytes > this.settings.ringBytes) this.shrink();
  }

  /** A stream of the tenant has ended. */
  release(channel: Channel): void {
    channel.streams -= 1;
    this.forgetUnused(channel);
  }

  all(): readonly Channel[] {
    return [...this.byTenant.values()];
  }

  private shrink(): void {
    for (const channel of this.filled) {
      while (this.bytes > this.settings.ringBytes && channel.ring.size > 0) {
        const before = channel.ring.bytes;
        channel.ring.dropOldest();
        this.bytes += channel.ring.bytes - before;
      }
      if (channel.ring.size === 0) {
        this.filled.delete(channel);
        this.forgetUnused(channel);
      }
      if (this.bytes <= this.settings.ringBytes) return;
    }
  }

  private forgetUnused(channel: Channel): void {
    if (channel.streams === 0 && channel.ring.size === 0) this.byTenant.delete(channel.tenantId);
  }
}
