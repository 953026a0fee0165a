import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../kernel/time.js';
import { type Chunk, chunkOf } from './chunk.js';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Whoever compressed or collected it would hold events back.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

/** What was written last has this long to reach the client before the connection is cut. */
const FLUSH_MS = 5000;
const NOTHING = Buffer.alloc(0);

/**
 * The connection of one stream. Chunks go to the socket as they are, so that one Buffer serves all clients: Node's own
 * `write` would frame it once for each. Head and end are Node's.
 */
export class StreamSocket {
  private stalled: { sinceMs: number; takenBytes: number } | undefined;
  /** Beside the head of the answer. */
  private sentBytes = 0;

  private constructor(
    private readonly response: ServerResponse,
    private readonly socket: Socket,
    private readonly clock: Clock,
  ) {}

  /**
   * Sends the head of the answer, as soon as it is this answer's turn: on a connection with pipelined requests another
   * one may come first.
   *
   * @returns undefined where the client left before
   */
  static open(
    response: ServerResponse,
    headers: OutgoingHttpHeaders,
    clock: Clock,
  ): StreamSocket | undefined | Promise<StreamSocket | undefined> {
    if (response.destroyed || response.closed) return undefined;
    if (response.socket) return StreamSocket.begin(response, headers, clock);
    return new Promise((resolve) => {
      response.once('socket', () => resolve(StreamSocket.begin(response, headers, clock)));
      response.once('close', () => resolve(undefined));
    });
  }

  private static begin(response: ServerResponse, headers: OutgoingHttpHeaders, clock: Clock) {
    const { socket } = response;
    if (!socket || socket.destroyed) return undefined;
    // Nothing else can be asked for on a connection that carries a stream.
    response.shouldKeepAlive = false;
    // Its life is watched by heartbeats: a timer of HTTP would be set anew with every write.
    socket.setTimeout(0);
    response.writeHead(200, { ...headers, ...HEADERS });
    // With the first frames, which are written in this turn, the head is one write.
    socket.cork();
    process.nextTick(() => socket.uncork());
    response.flushHeaders();
    return new StreamSocket(response, socket, clock);
  }

  get closed(): boolean {
    return this.socket.destroyed || this.response.writableEnded;
  }

  /** Bytes that the client has not taken yet. */
  get pendingBytes(): number {
    return this.socket.writableLength;
  }

  /**
   * For how long the client has taken nothing although something waits for it, milliseconds. What it takes is seen when
   * this is called and when something is sent.
   */
  stalledMs(): number {
    this.look();
    return this.stalled ? this.clock.monotonicMs() - this.stalled.sinceMs : 0;
  }

  /** @param done is called when the client has taken it, or has left */
  send({ framed, plain }: Chunk, done?: () => void): void {
    if (this.closed) return done?.();
    const bytes = this.response.chunkedEncoding ? framed : plain;
    this.sentBytes += bytes.length;
    this.socket.write(bytes, done);
    this.look();
  }

  write(...frames: readonly Buffer[]): void {
    this.send(chunkOf(frames));
  }

  /** From when a client keeps something waiting, and not from when a heartbeat comes to see it. */
  private look(): void {
    const { writableLength, writableCorked } = this.socket;
    if (writableLength === 0) this.stalled = undefined;
    // What is held back to be one write waits for us.
    if (writableLength === 0 || writableCorked > 0) return;
    const takenBytes = this.sentBytes - writableLength;
    if (this.stalled?.takenBytes !== takenBytes)
      this.stalled = { sinceMs: this.clock.monotonicMs(), takenBytes };
  }

  /** Calls `run` once, when everything that was written has been taken; never where the client leaves before. */
  onceTaken(run: () => void): void {
    // Behind all that waits: told when they are through.
    this.socket.write(NOTHING, (error) => (error ? undefined : run()));
  }

  /** Ends the answer in order; whoever does not take what is left is cut off after five seconds. */
  end(): void {
    if (this.closed) return;
    this.response.end();
    const cut = this.clock.after(FLUSH_MS, () => this.socket.destroy());
    this.socket.once('close', () => cut.cancel());
  }

  /** Without another word: a client that takes nothing would not hear it. */
  destroy(): void {
    this.socket.destroy();
  }
}
