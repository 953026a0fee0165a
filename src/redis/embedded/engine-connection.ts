import type { Socket } from 'node:net';
import type { ConnectionTransport, ParkHandler } from './engine-library.js';

const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * One accepted socket, seen by the engine as a transport. What it adds to the package's own transport:
 * replies of one pass leave in one packet without waiting for acknowledgements; a peer that hangs up while its
 * command is blocked releases that command at once (or it would take an element that nobody receives);
 * nothing here keeps the process alive.
 */
export class EngineConnection implements ConnectionTransport {
  readonly id: string;
  readonly signal: AbortSignal;
  private readonly gone = new AbortController();
  private readonly chunks: Buffer[] = [];
  private ended = false;
  private parked = 0;
  private corked = false;
  private wake: (() => void) | undefined;

  constructor(
    private readonly socket: Socket,
    id: number,
  ) {
    this.id = `embedded-${id}`;
    this.signal = this.gone.signal;
    socket.unref();
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('end', () => this.peerEnded());
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
  }

  async *read(): AsyncGenerator<Buffer> {
    while (!this.signal.aborted) {
      const chunk = this.chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  write(chunk: Buffer): void | Promise<void> {
    if (this.socket.destroyed || this.socket.writableEnded) return;
    if (!this.corked) {
      this.corked = true;
      this.socket.cork();
      process.nextTick(() => this.flush());
    }
    this.socket.write(chunk);
    if (this.socket.writableLength > HIGH_WATER_BYTES) return this.drained();
  }

  close(): void {
    this.flush();
    this.socket.destroySoon();
    this.abort();
  }

  destroy(): void {
    this.socket.destroy();
    this.abort();
  }

  on(event: 'close' | 'drain' | 'error', listener: (error?: Error) => void): () => void {
    this.socket.on(event, listener);
    return () => this.socket.off(event, listener);
  }

  /** Where a blocked command waits: for data, its time-out, or the end of this connection (then as if timed out). */
  readonly park: ParkHandler = async (request) => {
    if (this.ended) this.abort();
    this.parked += 1;
    try {
      return await untilSettled(request.waitFor, request.timeoutMs, this.signal);
    } finally {
      this.parked -= 1;
    }
  };

  private take(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.wakeReader();
  }

  private peerEnded(): void {
    this.ended = true;
    if (this.parked > 0) this.destroy();
    else this.wakeReader();
  }

  private wakeReader(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }

  private flush(): void {
    if (!this.corked) return;
    this.corked = false;
    this.socket.uncork();
  }

  private drained(): Promise<void> {
    this.flush();
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      if (!this.socket.writableNeedDrain) return resolve();
      this.socket.once('drain', done).once('close', done);
    });
  }

  private abort(): void {
    if (!this.signal.aborted) this.gone.abort();
    this.wakeReader();
  }
}

/** Never rejects because of a closed connection: the package has paths where nobody would handle it. */
function untilSettled<T>(
  wanted: Promise<T | null>,
  timeoutMs: number | undefined,
  signal: AbortSignal,
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => settle(() => resolve(null));
    const timer = timeoutMs === undefined ? undefined : setTimeout(giveUp, timeoutMs);
    timer?.unref();
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      act();
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    wanted.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}
