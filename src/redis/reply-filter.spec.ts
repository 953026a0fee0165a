import { beforeEach, describe, expect, it } from 'vitest';
import { type FilteredStream, filterReplies } from './reply-filter.js';

type Listener = (...args: unknown[]) => void;

/** What the filter needs of a socket. */
class Socket implements FilteredStream {
  readonly listeners = new Map<string, Listener>();

  prependListener(event: string, listener: Listener): this {
    this.listeners.set(event, listener);
    return this;
  }

  emit(event: string, ...args: unknown[]): void {
    this.listeners.get(event)?.(...args);
  }
}

describe('filterReplies', () => {
  let socket: Socket;
  let pending: number;
  let arrivals: number;
  let decoded: string[];
  let violations: string[];

  beforeEach(() => {
    socket = new Socket();
    pending = 0;
    arrivals = 0;
    decoded = [];
    violations = [];
    const received = () => void (arrivals += 1);
    filterReplies(socket, {
      pending: () => pending,
      received,
      violated: (detail) => violations.push(detail),
    });
    socket.prependListener('data', (bytes) => {
      const text = String(bytes);
      decoded.push(text);
      // Whole frames only, as the decoder takes commands off its queue.
      pending -= text.match(/\+OK\r\n/g)?.length ?? 0;
    });
  });

  const receive = (text: string) => socket.emit('data', Buffer.from(text));

  it('hands on what answers pending commands', () => {
    pending = 3;
    receive('+OK\r\n');
    receive('+OK\r\n+OK\r\n');
    expect(decoded).toEqual(['+OK\r\n', '+OK\r\n+OK\r\n']);
    expect(arrivals).toBe(2);
    expect(violations).toEqual([]);
  });

  it('hands the bytes on as they are', () => {
    pending = 1;
    const bytes = Buffer.from('$2\r\n\u0000\r\r\n');
    const seen: unknown[] = [];
    const other = new Socket();
    filterReplies(other, { pending: () => 1, received: () => undefined, violated: () => undefined });
    other.prependListener('data', (data) => seen.push(data));
    other.emit('data', bytes);
    expect(seen[0]).toBe(bytes);
  });

  it.each(['+OK\r\n', '$-1\r\n', '*-1\r\n', '*0\r\n', ':1\r\n', '-ERR no\r\n'])(
    'hands nothing on when nobody asked: %j',
    (frame) => {
      receive(frame);
      expect(decoded).toEqual([]);
      expect(violations).toEqual(['the server answered more than it was asked']);
    },
  );

  it('hands nothing of a chunk on when a surplus frame follows wanted ones', () => {
    pending = 2;
    receive('+OK\r\n+OK\r\n+OK\r\n');
    expect(decoded).toEqual([]);
    expect(violations).toHaveLength(1);
  });

  it('hands parts of one frame on as they come, since one command waits for it', () => {
    pending = 1;
    for (const part of ['*2\r', '\n$2\r\nx', 'y\r\n', ':', '7\r\n']) receive(part);
    expect(decoded).toHaveLength(5);
    expect(violations).toEqual([]);
  });

  it.each(['$', '$5\r\nhe', '*2\r\n', '+O'])(
    'hands the beginning of a frame that nobody asked for not on: %j',
    (part) => {
      receive(part);
      expect(decoded).toEqual([]);
      expect(violations).toHaveLength(1);
    },
  );

  it('counts the beginning of a frame behind whole ones', () => {
    pending = 1;
    receive('+OK\r\n$');
    expect(decoded).toEqual([]);
    expect(violations).toHaveLength(1);
  });

  it('asks how many commands wait when bytes come, not before', () => {
    pending = 1;
    receive('+OK\r\n');
    pending = 1;
    receive('+OK\r\n');
    expect(decoded).toHaveLength(2);
    receive('+OK\r\n');
    expect(decoded).toHaveLength(2);
    expect(violations).toHaveLength(1);
  });

  it('says what is no frame at all', () => {
    pending = 5;
    receive('HTTP/1.1 400 Bad Request\r\n');
    expect(decoded).toEqual([]);
    expect(violations).toEqual(['what answers is not a Redis server: a frame begins with byte 72']);
  });

  it('tells a violation once and hands nothing on after it', () => {
    receive('+OK\r\n');
    pending = 5;
    receive('+OK\r\n');
    receive('>1\r\n');
    expect(violations).toHaveLength(1);
    expect(decoded).toEqual([]);
  });

  it('leaves other events alone', () => {
    const listener: Listener = () => undefined;
    socket.prependListener('close', listener);
    expect(socket.listeners.get('close')).toBe(listener);
    expect(socket.prependListener('error', listener)).toBe(socket);
  });
});
