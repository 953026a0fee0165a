import type { Redis } from 'ioredis';
import { ProtocolViolation, type ReplyLimits, ReplyScanner } from './reply-scanner.js';

type Listener = (...args: unknown[]) => void;

/** The socket of a connection, as far as the filter needs it. */
export interface FilteredStream {
  prependListener(event: string, listener: Listener): unknown;
}

export interface ReplyFilterHost {
  /** Commands whose answer has not come yet. */
  pending(): number;
  /** Where less is to be expected than what a Redis may send. */
  readonly limits?: ReplyLimits;
  /** Bytes have come. */
  received(): void;
  /** The server sent what nobody asked for; the connection must end. */
  violated(detail: string): void;
}

/**
 * Stands between a socket and the decoder of the client library: bytes go on only while every frame in them
 * answers a pending command. It is put in place when the library registers its decoder, which is before the
 * first byte can be read.
 */
export function filterReplies(stream: FilteredStream, host: ReplyFilterHost): void {
  const scanner = new ReplyScanner(host.limits);
  const register = stream.prependListener.bind(stream);
  let violated = false;

  stream.prependListener = (event, listener) => {
    if (event !== 'data') return register(event, listener);
    return register(event, (bytes) => {
      if (violated) return;
      host.received();
      const detail = faultIn(bytes as Buffer);
      if (detail === undefined) {
        listener(bytes);
        return;
      }
      violated = true;
      host.violated(detail);
    });
  };

  function faultIn(bytes: Buffer): string | undefined {
    try {
      const frames = scanner.scan(bytes);
      const surplus = host.pending() - frames - (scanner.inside ? 1 : 0) < 0;
      return surplus ? 'the server answered more than it was asked' : undefined;
    } catch (error) {
      if (error instanceof ProtocolViolation) return `what answers is not a Redis server: ${error.message}`;
      throw error;
    }
  }
}

/** The library keeps its socket in a property and makes a new one for each attempt. */
export function filterEveryStream(client: Redis, host: ReplyFilterHost): void {
  let stream = client.stream;
  Object.defineProperty(client, 'stream', {
    get: () => stream,
    set: (next: Redis['stream']) => {
      stream = next;
      filterReplies(next as FilteredStream, host);
    },
  });
}
