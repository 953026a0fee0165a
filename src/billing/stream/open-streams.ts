import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Subscription } from 'rxjs';
import { onRequestEnd } from '../../http/index.js';
import { type PurposeStatus, RedisStatus, RedisUnavailableError } from '../../redis/index.js';
import { Heartbeat } from './heartbeat.js';
import { LogReader } from './log-reader.js';
import type { OpenStream } from './open-stream.js';
import { BillingStreamSettings } from './stream.config.js';
import { StreamsFullError } from './stream.errors.js';

/** Until places become free again: streams end by themselves after some minutes. */
const FULL_RETRY_MS = 15_000;
const ENDING_RETRY_MS = 1000;
const AWAY_RETRY_MS = 1000;

/** The streams of this process: whether there is room for one more, and all that are open. */
@Injectable()
export class OpenStreams implements OnModuleInit, OnApplicationShutdown {
  private readonly streams = new Set<OpenStream>();
  private readonly counted = new WeakSet<FastifyRequest>();
  private places = 0;
  private ending = false;
  /** One for all, since each stream keeps what is to be done at its end. */
  private readonly leave = () => void (this.places -= 1);
  /** As it was told last: putting it together for each who comes would take longer than looking at it. */
  private log: Pick<PurposeStatus, 'state' | 'reason'> = { state: 'down' };
  private changes: Subscription | undefined;

  constructor(
    private readonly settings: BillingStreamSettings,
    private readonly status: RedisStatus,
    private readonly reader: LogReader,
    private readonly heartbeat: Heartbeat,
  ) {}

  onModuleInit(): void {
    this.changes = this.status.changes('billingEvents').subscribe((next) => (this.log = next));
  }

  onApplicationShutdown(): void {
    this.changes?.unsubscribe();
  }

  get size(): number {
    return this.streams.size;
  }

  /**
   * Takes a place until the request has ended, however it does.
   *
   * @throws StreamsFullError where there is none, or the process is about to end
   * @throws RedisUnavailableError while what happens cannot be read: whoever came now would wait for nothing
   */
  admit(request: FastifyRequest, reply: FastifyReply): void {
    if (this.counted.has(request)) return;
    if (this.ending)
      throw new StreamsFullError('This instance is about to end; another one takes over.', ENDING_RETRY_MS);
    if (this.places >= this.settings.maxConnections)
      throw new StreamsFullError('This instance holds as many streams as it may.', FULL_RETRY_MS);
    this.assertReading();
    this.counted.add(request);
    this.places += 1;
    onRequestEnd(request, reply, this.leave);
  }

  /** Looks after it from now on. @returns false where it is to end at once, since the process is about to */
  add(stream: OpenStream): boolean {
    this.streams.add(stream);
    this.heartbeat.add(stream);
    return !this.ending;
  }

  remove(stream: OpenStream): void {
    this.streams.delete(stream);
    this.heartbeat.remove(stream);
  }

  /** No further stream from now on. @returns those that are open */
  close(): readonly OpenStream[] {
    this.ending = true;
    return [...this.streams];
  }

  private assertReading(): void {
    const { state, reason } = this.log;
    if (this.reader.state === 'reading' && state === 'up') return;
    throw new RedisUnavailableError({
      purpose: 'billingEvents',
      reason: reason ?? 'other',
      retryAfterMs: AWAY_RETRY_MS,
      maybeExecuted: false,
    });
  }
}
