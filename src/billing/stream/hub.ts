import { Injectable } from '@nestjs/common';
import type { EntryId } from '../log/entry-id.js';
import { UNASSIGNED } from '../log/log-entry.js';
import { AwaitedEntries } from './awaited-entries.js';
import type { Channel, Listener } from './channel.js';
import { Channels } from './channels.js';
import { type LogBatch, LogReader } from './log-reader.js';
import { BillingStreamSettings } from './stream.config.js';

/**
 * Hands what the reader reads to the streams: first into the rings, then to everybody who listens, so many sockets in one
 * turn of the event loop. What is read meanwhile is merged: a stream whose turn comes later gets it with the rest.
 */
@Injectable()
export class Hub {
  private readonly changed = new Set<Channel>();
  private walking: { channel: Channel; rest: Iterator<Listener, undefined> } | undefined;
  private scheduled = false;

  constructor(
    private readonly reader: LogReader,
    private readonly channels: Channels,
    private readonly settings: BillingStreamSettings,
    private readonly awaited: AwaitedEntries,
  ) {
    reader.listen({ entries: (batch) => this.take(batch), reset: () => this.reset() });
  }

  /** Everything up to this entry is in the rings, or was. */
  get position(): EntryId {
    return this.reader.position;
  }

  /** As `AwaitedEntries.add`. */
  awaitEntry(entryId: EntryId, run: (reached: boolean) => void): () => void {
    return this.awaited.add(entryId, run);
  }

  private take({ before, entries }: LogBatch): void {
    for (const entry of entries) {
      if (entry.tenantId === UNASSIGNED) continue;
      const channel = this.channels.of(entry.tenantId);
      this.channels.change(channel, () => channel.append(entry, before));
      if (channel.live.size > 0) this.changed.add(channel);
    }
    this.awaited.reached(this.position);
    if (!this.scheduled) this.slice();
  }

  private reset(): void {
    for (const channel of this.channels.all()) this.channels.change(channel, () => channel.reset());
  }

  private slice(): void {
    this.scheduled = false;
    for (let left = this.settings.slice; left > 0; left -= 1) {
      const next = this.nextListener();
      if (!next) return;
      if (next.listener.next !== next.channel.ring.end) next.listener.deliver();
    }
    this.scheduled = true;
    setImmediate(() => this.slice());
  }

  private nextListener(): { listener: Listener; channel: Channel } | undefined {
    for (;;) {
      if (this.walking) {
        const { channel, rest } = this.walking;
        const next = rest.next();
        if (!next.done) return { listener: next.value, channel };
        this.walking = undefined;
      }
      const [channel] = this.changed;
      if (!channel) return undefined;
      this.changed.delete(channel);
      this.walking = { channel, rest: channel.live.values() };
    }
  }
}
