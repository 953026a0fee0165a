import { connect, type Socket } from 'node:net';
import type { Fault } from './tcp-faults.js';
import { Flow } from './tcp-flow.js';

export interface LinkEvents {
  delivered(direction: 'up' | 'down', bytes: number): void;
  lost(bytes: number): void;
  /** Both sides are closed. */
  closed(): void;
}

/** One client connection and its counterpart to the server. */
export class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #up: Flow;
  readonly #down: Flow;
  #forgotten = false;

  constructor(client: Socket, target: { host: string; port: number }, fault: Fault, events: LinkEvents) {
    this.#client = client;
    this.#server = connect({ ...target, allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    const { up, down } = fault.attach();
    const lost = (bytes: number): void => events.lost(bytes);
    const closed = (): void => this.#close();
    const delivered = (direction: 'up' | 'down') => (bytes: number) => events.delivered(direction, bytes);
    this.#up = new Flow(client, this.#server, up, { delivered: delivered('up'), lost, closed });
    this.#down = new Flow(this.#server, client, down, { delivered: delivered('down'), lost, closed });
    // Each side learns of the other's end through its flow, where a fault may hold or delay it.
    client.on('error', () => undefined);
    client.on('close', () => {
      this.#up.end();
      if (this.#server.closed) events.closed();
    });
    this.#server.on('error', () => undefined);
    this.#server.on('close', () => {
      if (!this.#forgotten) this.#down.end();
      if (client.closed) events.closed();
    });
  }

  /** A client that is gone may leave a connection to the server behind, when a fault holds the news. */
  get clientOpen(): boolean {
    return !this.#client.closed;
  }

  /**
   * A connection that has lost bytes is reset when its fault ends: to go on would give the client the replies to
   * other requests, which no network does and no client can be asked to survive.
   */
  treat(fault: Fault): void {
    if (this.#forgotten) return;
    if (this.#up.lossy || this.#down.lossy) {
      this.reset();
      return;
    }
    const { up, down } = fault.attach();
    this.#up.treat(up);
    this.#down.treat(down);
  }

  /** RST to both sides: "connection reset by peer". */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#dropServer();
  }

  /** Closes the server's side and leaves the client with an open socket that nobody will ever answer. */
  forget(): void {
    this.#forgotten = true;
    this.#up.treat(() => []);
    this.#down.dispose();
    this.#dropServer();
  }

  destroy(): void {
    this.#client.destroy();
    this.#dropServer();
  }

  /** What was written still leaves, then FIN. */
  #close(): void {
    this.#client.end(() => this.destroy());
    this.#dropServer();
  }

  #dropServer(): void {
    this.#up.dispose();
    this.#server.destroy();
  }
}
