import { createRequire } from 'node:module';
import type DataHandlerModule from 'ioredis/built/DataHandler.js';
import { describe, expect, it } from 'vitest';
import { type FilteredStream, filterReplies } from './reply-filter.js';
import { ProtocolViolation, ReplyScanner } from './reply-scanner.js';

type Decoder = typeof DataHandlerModule.default;
type DecoderHost = ConstructorParameters<Decoder>[0];

// The library exports it to itself only; what it is here it is in every connection.
const { default: DataHandler } = createRequire(import.meta.url)('ioredis/built/DataHandler.js') as {
  default: Decoder;
};

/** A connection as the library has it: its own decoder, behind the filter, in front of a queue of commands. */
class Connection {
  /** Replies that the decoder gave to a command. */
  answered = 0;
  readonly violations: string[] = [];
  /** What the decoder itself could not make sense of. */
  readonly failures: string[] = [];
  private read: (bytes: Buffer) => void = () => undefined;

  constructor(private pending: number) {
    const stream = {
      prependListener: (_: string, listener: (bytes: Buffer) => void) => (this.read = listener),
      resume: () => undefined,
    };
    filterReplies(stream as unknown as FilteredStream, {
      pending: () => this.pending,
      received: () => undefined,
      violated: (detail) => this.violations.push(detail),
    });
    const host = {
      stream,
      status: 'ready',
      condition: { subscriber: false, protocol: 2 },
      commandQueue: { shift: () => this.shift() },
      handleReconnection: () => (this.answered += 1),
      recoverFromFatalError: (error: Error) => this.failures.push(error.message),
      emit: (_: string, error: Error) => this.failures.push(error.message),
    };
    new DataHandler(host as unknown as DecoderHost, { stringNumbers: false, replyMapping: 'legacy' });
  }

  receive(bytes: Buffer): void {
    this.read(bytes);
  }

  private shift() {
    if (this.pending === 0) return undefined;
    this.pending -= 1;
    return { command: { name: 'get', args: [], resolve: () => (this.answered += 1) } };
  }
}

/** Every way to cut `bytes` into one, two and three pieces. */
function* cuts(bytes: Buffer): Generator<readonly Buffer[]> {
  for (let first = 1; first <= bytes.length; first += 1) {
    for (let second = first; second <= bytes.length; second += 1) {
      const pieces = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
      yield pieces.filter((piece) => piece.length > 0);
    }
  }
  yield Array.from(bytes, (byte) => Buffer.of(byte));
}

const show = (pieces: readonly Buffer[]): string => JSON.stringify(pieces.map(String));

/** Sends the pieces, with exactly as many commands open as there are replies, and says where the two differ. */
function differenceIn(pieces: readonly Buffer[], replies: number): string | undefined {
  const scanner = new ReplyScanner();
  const connection = new Connection(replies);
  for (const [index, piece] of pieces.entries()) {
    const before = connection.answered;
    connection.receive(piece);
    const decoded = connection.answered - before;
    const counted = scanner.scan(piece);
    const [fault] = [...connection.violations, ...connection.failures];
    if (fault !== undefined) return `${show(pieces)}: piece ${index}: ${fault}`;
    if (decoded !== counted) return `${show(pieces)}: piece ${index}: ${counted} counted, ${decoded} decoded`;
  }
  return connection.answered === replies ? undefined : `${show(pieces)}: ${connection.answered} answered`;
}

const REPLIES: readonly (readonly [title: string, text: string, replies: number])[] = [
  ['a status', '+OK\r\n', 1],
  ['an empty status', '+\r\n', 1],
  ['an error', '-ERR unknown command\r\n', 1],
  ['an error longer than most lines', '-MISCONF Redis is set up to save, but cannot do so\r\n+OK\r\n', 2],
  ['a number', ':42\r\n', 1],
  ['a negative number', ':-7\r\n', 1],
  ['a text', '$5\r\nhello\r\n', 1],
  ['a text of two digits', '$12\r\nhello, world\r\n', 1],
  ['an empty text', '$0\r\n\r\n', 1],
  ['a text of line ends', '$4\r\n\r\n\r\n\r\n', 1],
  ['a text that looks like replies', '$9\r\n\r\n*1\r\n$-1\r\n', 1],
  ['a null text', '$-1\r\n', 1],
  ['a null array', '*-1\r\n', 1],
  ['an empty array', '*0\r\n', 1],
  ['an array', '*2\r\n$1\r\na\r\n:1\r\n', 1],
  ['an array that ends with a null', '*2\r\n+a\r\n$-1\r\n', 1],
  ['an array of nulls', '*3\r\n$-1\r\n*-1\r\n$-1\r\n', 1],
  ['an array that ends with an empty text', '*2\r\n:1\r\n$0\r\n\r\n', 1],
  ['an array with an error', '*2\r\n-ERR a\r\n+b\r\n', 1],
  ['arrays in arrays', '*2\r\n*1\r\n+a\r\n*2\r\n*0\r\n$-1\r\n', 1],
  ['an array that ends with an empty one', '*1\r\n*1\r\n*0\r\n', 1],
  ['an entry of a stream', '*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n', 1],
  ['two statuses', '+OK\r\n+QUEUED\r\n', 2],
  ['two nulls', '$-1\r\n*-1\r\n', 2],
  ['one of each kind', '+OK\r\n$1\r\nx\r\n:1\r\n-E a\r\n*1\r\n+a\r\n', 5],
  ['a null between others', '$2\r\nab\r\n$-1\r\n*0\r\n$0\r\n\r\n', 4],
];

/** What no server sends, with the number of replies that are beyond doubt. */
const BROKEN: readonly (readonly [title: string, text: string, sound: number])[] = [
  ['a carriage return in a status', '+a\r_+b\r_+c\r\n', 1],
  ['a carriage return at the end of an error', '-ERR a\r+OK\r\n', 1],
  ['a carriage return in a number', ':1\r2\r\n', 1],
  ['a line feed in a status', '+a\n+b\r\n', 0],
  ['two line feeds at the end of a status', '+a\n\n+b\r\n', 0],
  ['a line feed in an error', '-ERR a\nb\r\n', 0],
  ['a line feed late in an error', '-MISCONF Redis is set up to save,\nbut cannot\r\n', 0],
  ['a carriage return late in an error', '-MISCONF Redis is set up to save,\rbut cannot\r\n', 1],
  ['a line feed behind a number', ':1\n:2\r\n', 0],
  ['a text without an end of line', '$2\r\nab+OK\r\n', 0],
  ['a text with half an end of line', '$2\r\nab\r+OK\r\n', 1],
  ['a text that is longer than it says', '$2\r\nabc\r\n', 0],
  ['a length that ends with a line feed', '$2\nab\r\n', 0],
  ['a length with half an end of line', '$2\rab\r\n', 0],
  ['a length that is missing', '$\r\n\r\n', 0],
  ['a length with a sign inside', '$2-1\r\n', 0],
  ['a null with another number', '$-2\r\n+OK\r\n', 1],
  ['a null with more digits', '$-10\r\n+OK\r\n', 1],
  ['a null array with half an end of line', '*-1\r+OK\r\n', 1],
  ['a count with half an end of line', '*1\r+a\r\n', 0],
  ['a count that is missing', '*\r\n', 0],
  ['a status in an array with a carriage return', '*2\r\n+a\r_+b\r\n', 0],
];

describe('The reply scanner beside the decoder of the library', () => {
  it.each(REPLIES)(
    'counts %s at the byte where the decoder answers, however it is cut',
    (_, text, replies) => {
      const differences = [...cuts(Buffer.from(text))].map((pieces) => differenceIn(pieces, replies));
      expect(differences.filter(Boolean)).toEqual([]);
    },
  );

  it.each(BROKEN)('refuses %s before the decoder takes it for more, however it is cut', (_, text, sound) => {
    const wrong: string[] = [];
    for (const pieces of cuts(Buffer.from(text))) {
      // More open commands than the bytes could ever answer: they alone must be refused.
      const connection = new Connection(100);
      for (const piece of pieces) connection.receive(piece);
      const { answered, violations, failures } = connection;
      const [violation = 'nothing'] = violations;
      if (violations.length === 1 && /is not a Redis server/.test(violation) && answered <= sound) continue;
      wrong.push(`${show(pieces)}: ${answered} answered, ${violation} refused ${failures.join()}`);
    }
    expect(wrong).toEqual([]);
  });

  it.each(REPLIES.filter(([, , replies]) => replies === 1))(
    'leaves no open end behind %s that another reply could not follow',
    (_, text) => {
      const scanner = new ReplyScanner();
      expect(scanner.scan(Buffer.from(text.slice(0, -1)))).toBe(1);
      expect(scanner.inside).toBe(false);
      expect(scanner.scan(Buffer.from('\n+OK\r'))).toBe(1);
      expect(scanner.inside).toBe(false);
      expect(() => scanner.scan(Buffer.from('+'))).toThrow(ProtocolViolation);
    },
  );
});
