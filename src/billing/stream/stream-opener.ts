import type { OutgoingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { onRequestEnd } from '../../http/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import type { Channel } from './channel.js';
import { HEARTBEAT_COMMENT, HEARTBEAT_EVENT } from './frame.js';
import { OpenStreams } from './open-streams.js';
import { BillingStreamSettings } from './stream.config.js';
import type { StreamIdentity } from './stream-identity.js';
import { letGo } from './let-go.js';
import { StreamSocket } from './stream-socket.js';
import { StreamTiming } from './stream-timing.js';
import type { StartAt } from './subscription.js';
import { Subscriptions } from './subscriptions.js';
import type { TypeFilter } from './type-filter.js';
import { type Pulse, WatchedStream } from './watched-stream.js';

export interface StreamOrder {
  readonly identity: StreamIdentity;
  readonly startAt: StartAt;
  readonly filter: TypeFilter | undefined;
  /** Heartbeats are events that a script sees. */
  readonly audible: boolean;
}

/** From a request that was let in to a stream that is looked after. */
@Injectable()
export class StreamOpener {
  private readonly silent: Pulse;
  private readonly audible: Pulse;

  constructor(
    private readonly subscriptions: Subscriptions,
    private readonly streams: OpenStreams,
    private readonly settings: BillingStreamSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    const { heartbeatMs: everyMs, stallMs } = settings;
    this.silent = { frame: HEARTBEAT_COMMENT, everyMs, stallMs };
    this.audible = { frame: HEARTBEAT_EVENT, everyMs, stallMs };
  }

  /**
   * Takes the reply over and resolves when the stream is open, or its client has left.
   *
   * @throws RedisUnavailableError before anything was sent
   */
  async open(request: FastifyRequest, reply: FastifyReply, order: StreamOrder): Promise<void> {
    const channel = this.subscriptions.channelOf(order.identity.tenantId);
    onRequestEnd(request, reply, () => this.subscriptions.release(channel));
    // The last thing that can fail: afterwards there is a head, and nothing but events can be told.
    await this.subscriptions.prepare(channel);
    reply.hijack();
    const headers = reply.getHeaders() as OutgoingHttpHeaders;
    const socket = await StreamSocket.open(reply.raw, headers, this.clock);
    if (!socket) return;
    letGo(reply.raw);
    const stream = this.watched(channel, socket, order);
    const kept = this.streams.add(stream);
    onRequestEnd(request, reply, () => this.ended(stream));
    stream.start(order.startAt);
    if (!kept) stream.end('drain');
  }

  private watched(
    channel: Channel,
    socket: StreamSocket,
    { identity, filter, audible }: StreamOrder,
  ): WatchedStream {
    const { clock } = this;
    const { maxPendingBytes, maxAgeMs } = this.settings;
    const subscription = this.subscriptions.create({ channel, socket, clock, filter, maxPendingBytes });
    const timing = new StreamTiming(clock, identity.endsAtMs, maxAgeMs);
    return new WatchedStream(identity, subscription, timing, audible ? this.audible : this.silent);
  }

  private ended(stream: WatchedStream): void {
    this.streams.remove(stream);
    stream.closed();
  }
}
