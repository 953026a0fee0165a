import { createServer, type Server, type Socket } from 'node:net';
import { type Clock, type Timer, systemClock } from '../../src/kernel/time.js';
import { freePort } from './free-port.js';
import * as faults from './tcp-faults.js';
import type { Damage, Fault } from './tcp-faults.js';
import { Link } from './tcp-link.js';

export interface TcpProxyOptions {
  targetPort: number;
  targetHost?: string;
  /** A free one by default. */
  port?: number;
  /** Of `flap`. */
  clock?: Clock;
}

export interface FlapPeriods {
  upMs: number;
  downMs: number;
}

const PORT_ATTEMPTS = 5;

/**
 * A TCP proxy between a client and a server whose behaviour a test changes while connections are live.
 *
 * A real network fault cannot be made on a loopback interface without root, and a client library behaves differently
 * for each kind (refused, reset, silent, half open), so each kind is its own method. They return promises because
 * some have to open or close the listener; the fault itself is in force when the call returns.
 */
export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  for (let attempt = 1; ; attempt += 1) {
    const proxy = new TcpProxy(options, options.port ?? (await freePort()));
    try {
      await proxy.pass();
      return proxy;
    } catch (error) {
      // Another process was faster to take a port that was free a moment ago.
      if (options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

export class TcpProxy {
  readonly host = '127.0.0.1';
  readonly port: number;
  /** Bytes that arrived at the server, and at the clients. */
  bytesUp = 0;
  bytesDown = 0;
  /** Bytes that a fault swallowed: proof that, for instance, a lost reply had really been sent. */
  bytesLost = 0;
  readonly #target: { host: string; port: number };
  readonly #links = new Set<Link>();
  readonly #clock: Clock;
  #total = 0;
  #turnedAway = 0;
  #fault: Fault = faults.pass();
  #flapping: Timer | undefined;
  #listener: Server | undefined;

  /** Use `startTcpProxy`. */
  constructor(options: TcpProxyOptions, port: number) {
    const { targetPort, targetHost = '127.0.0.1', clock = systemClock } = options;
    this.#target = { host: targetHost, port: targetPort };
    this.#clock = clock;
    this.port = port;
  }

  /** Client connections let in since the start, open now, and turned away by a fault since the start. */
  get connections(): { total: number; open: number; turnedAway: number } {
    const open = [...this.#links].filter((link) => link.clientOpen).length;
    return { total: this.#total, open, turnedAway: this.#turnedAway };
  }

  /** The name of the fault in force, `refuse` when nothing listens. */
  get mode(): string {
    return this.#listener ? this.#fault.name : 'refuse';
  }

  /** Ends every fault: forwards, and listens again after `refuse()`. Delivers what a black hole held. */
  pass(): Promise<void> {
    return this.use(faults.pass());
  }

  /** Accepts connections and forwards nothing, not even that the other side closed. */
  blackHole(): Promise<void> {
    return this.use(faults.blackHole());
  }

  /** "Reply lost after execution": requests arrive, replies are swallowed. */
  dropReplies(): Promise<void> {
    return this.use(faults.dropReplies());
  }

  /** @param random from 0 to 1; `seededRandom` repeats the same jitter */
  latency(ms: number, jitterMs = 0, random?: () => number): Promise<void> {
    return this.use(faults.latency(ms, jitterMs, random));
  }

  /** In each direction, all connections together. */
  bandwidth(bytesPerSecond: number): Promise<void> {
    return this.use(faults.bandwidth(bytesPerSecond));
  }

  /** Replies arrive with inverted bytes. */
  corrupt(damage: Damage): Promise<void> {
    return this.use(faults.corrupt(damage));
  }

  /** Resets what connects beyond `most` connections; live ones stay, also those beyond it. */
  capConnections(most: number): Promise<void> {
    return this.use(faults.connectionCap(most));
  }

  /**
   * The link goes down at once and from then on comes and goes, until another fault is set. Down: live connections
   * are reset, and new ones as soon as they are made. Up: everything passes.
   */
  flap({ upMs, downMs }: FlapPeriods): Promise<void> {
    this.#flapping?.cancel();
    const down = (): void => {
      this.#set({ ...faults.connectionCap(0), name: 'flap' });
      this.resetAll();
      this.#flapping = this.#clock.after(downMs, up);
    };
    const up = (): void => {
      this.#set({ ...faults.pass(), name: 'flap' });
      this.#flapping = this.#clock.after(upMs, down);
    };
    down();
    return this.#listen();
  }

  /** Each connection ends when `n` more bytes of replies have passed. */
  closeAfterBytes(n: number): Promise<void> {
    return this.use(faults.closeAfterBytes(n));
  }

  sliceBytes(size: number): Promise<void> {
    return this.use(faults.sliceBytes(size));
  }

  /** Any fault, for live connections and for new ones. */
  use(fault: Fault): Promise<void> {
    this.#flapping?.cancel();
    this.#set(fault);
    return this.#listen();
  }

  /** ECONNREFUSED for new connections, an end for the live ones; the port stays ours for `pass()`. */
  async refuse(): Promise<void> {
    this.#flapping?.cancel();
    const listener = this.#listener;
    this.#listener = undefined;
    const closed = new Promise<void>((resolve) => (listener ? listener.close(() => resolve()) : resolve()));
    for (const link of this.#links) link.destroy();
    await closed;
  }

  /** RST on every live connection, once; new connections get the fault in force. */
  resetAll(): void {
    for (const link of this.#links) link.reset();
  }

  /**
   * Every live connection loses its server side while the client's socket stays open and unanswered for good, as when
   * a NAT forgets an idle connection. New connections get the fault in force.
   */
  halfOpen(): void {
    for (const link of this.#links) link.forget();
  }

  stop(): Promise<void> {
    return this.refuse();
  }

  #set(fault: Fault): void {
    this.#fault = fault;
    for (const link of this.#links) link.treat(fault);
  }

  async #listen(): Promise<void> {
    if (this.#listener) return;
    // allowHalfOpen: the end of one direction is forwarded like data and must not close the other one by itself.
    const listener = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    this.#listener = listener;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', (error) => {
        this.#listener = undefined;
        reject(error);
      });
      listener.listen({ port: this.port, host: this.host, exclusive: true }, resolve);
    });
  }

  #accept(client: Socket): void {
    if (this.#fault.admits?.(this.connections.open) === false) {
      this.#turnedAway += 1;
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    this.#total += 1;
    const link = new Link(client, this.#target, this.#fault, {
      delivered: (direction, bytes) => {
        if (direction === 'up') this.bytesUp += bytes;
        else this.bytesDown += bytes;
      },
      lost: (bytes) => {
        this.bytesLost += bytes;
      },
      closed: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }
}
