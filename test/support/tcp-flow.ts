import type { Socket } from 'node:net';
import { unchanged, type Delivery, type Treatment } from './tcp-faults.js';

type Item = (Delivery & { dueAt: number }) | 'end';

/** Stop reading from the sender when this much waits, so that a held flow pushes back as a real network does. */
const MAX_QUEUED_BYTES = 1_048_576;

export interface FlowEvents {
  delivered(bytes: number): void;
  lost(bytes: number): void;
  /** A delivery asked for the end of the whole connection. */
  closed(): void;
}

/** One direction of one connection: bytes from `source` through the current treatment to `target`, in order. */
export class Flow {
  readonly #source: Socket;
  readonly #target: Socket;
  readonly #events: FlowEvents;
  /** What arrived while holding: untouched, since the next treatment decides what becomes of it. */
  #held: Buffer[] = [];
  #queue: Item[] = [];
  #queuedBytes = 0;
  #treatment: Treatment;
  #lastDueAt = 0;
  #ended = false;
  #endHeld = false;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** Some bytes in the middle of the stream never arrived, which TCP itself never does to a live connection. */
  lossy = false;

  constructor(source: Socket, target: Socket, treatment: Treatment | undefined, events: FlowEvents) {
    this.#source = source;
    this.#target = target;
    this.#events = events;
    this.#treatment = treatment ?? unchanged;
    source.on('data', (chunk: Buffer) => this.#accept(chunk));
    source.on('end', () => this.end());
    target.on('drain', () => this.#pump());
  }

  /** Changes the treatment of what arrives from now on; what is already on its way arrives as it was sent. */
  treat(treatment: Treatment | undefined): void {
    this.#treatment = treatment ?? unchanged;
    if (this.#treatment === 'hold') return;
    const held = this.#held.splice(0);
    for (const chunk of held) {
      this.#queuedBytes -= chunk.length;
      this.#accept(chunk);
    }
    if (this.#endHeld) this.#queue.push('end');
    this.#endHeld = false;
    this.#pump();
  }

  /** The sender is gone (end or error); the receiver learns it after what was sent before, unless held. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#treatment === 'hold') this.#endHeld = true;
    else this.#queue.push('end');
    this.#pump();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#queue = [];
    this.#held = [];
  }

  #accept(chunk: Buffer): void {
    if (this.#treatment === 'hold') {
      this.#held.push(chunk);
      this.#queuedBytes += chunk.length;
      this.#pushBack();
      return;
    }
    const deliveries = this.#treatment(chunk);
    const passing = deliveries.reduce((sum, { data }) => sum + data.length, 0);
    if (passing < chunk.length) {
      this.lossy = true;
      this.#events.lost(chunk.length - passing);
    }
    for (const delivery of deliveries) {
      this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + (delivery.delayMs ?? 0));
      this.#queue.push({ ...delivery, dueAt: delivery.delayMs === undefined ? 0 : this.#lastDueAt });
    }
    this.#queuedBytes += passing;
    this.#pushBack();
    this.#pump();
  }

  #pushBack(): void {
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#source.pause();
    else if (this.#source.isPaused()) this.#source.resume();
  }

  #pump(): void {
    if (this.#treatment === 'hold' || this.#turn) return;
    clearTimeout(this.#timer);
    for (let item = this.#queue[0]; item !== undefined; item = this.#queue[0]) {
      if (this.#target.writableNeedDrain) return;
      if (item === 'end') {
        this.#queue.shift();
        this.#target.end();
        return;
      }
      const waitMs = item.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#deliver(item);
      if (item.apart) {
        this.#turn = setImmediate(() => {
          this.#turn = undefined;
          this.#pump();
        });
        return;
      }
    }
  }

  #deliver({ data, close }: Delivery): void {
    this.#queuedBytes -= data.length;
    this.#pushBack();
    if (this.#target.writable) {
      this.#target.write(data);
      this.#events.delivered(data.length);
    }
    if (close) this.#events.closed();
  }
}
