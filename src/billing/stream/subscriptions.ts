import { Injectable } from '@nestjs/common';
import type { Channel } from './channel.js';
import { Channels } from './channels.js';
import { Hub } from './hub.js';
import { PageReader } from './page-reader.js';
import { StreamMetrics } from './stream-metrics.js';
import { Subscription, type SubscriptionParts } from './subscription.js';

/** Makes subscriptions of tenants. */
@Injectable()
export class Subscriptions {
  constructor(
    private readonly channels: Channels,
    private readonly hub: Hub,
    private readonly pages: PageReader,
    private readonly metrics: StreamMetrics,
  ) {}

  /** Is kept until it is given back. */
  channelOf(tenantId: string): Channel {
    const channel = this.channels.of(tenantId);
    channel.streams += 1;
    return channel;
  }

  release(channel: Channel): void {
    this.channels.release(channel);
  }

  /** @throws RedisUnavailableError */
  async prepare(channel: Channel): Promise<void> {
    await this.pages.prepare(channel);
  }

  /** Starts in the turn in which it was made, while the channel stands where it did. */
  create(parts: Omit<SubscriptionParts, 'hub' | 'pages' | 'metrics'>): Subscription {
    const { hub, pages, metrics } = this;
    const { channel, socket, clock, filter, maxPendingBytes } = parts;
    metrics.opened();
    // Written out: of an object that is spread, V8 keeps a shape for each one, which is four times as large.
    return new Subscription({ channel, socket, hub, pages, metrics, clock, filter, maxPendingBytes });
  }
}
