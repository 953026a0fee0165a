/** What a server sent is not an answer to anything that was asked. */
export class ProtocolViolation extends Error {}

/** More elements than any answer of ours has: the library reserves memory for what is announced. */
const MOST_ELEMENTS = 1_000_000;
const DEEPEST = 16;
/** proto-max-bulk-len of Redis: 512 MiB. */
const LONGEST_BULK = 512 * 1024 * 1024;

/** What a connection may be sent. */
export interface ReplyLimits {
  /** Bytes of one text. */
  readonly bulk: number;
  /** Elements of one array. */
  readonly elements: number;
}

const USUAL: ReplyLimits = { bulk: LONGEST_BULK, elements: MOST_ELEMENTS };

const PLUS = '+'.charCodeAt(0);
const MINUS = '-'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);
const DOLLAR = '$'.charCodeAt(0);
const STAR = '*'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const ONE = '1'.charCodeAt(0);
const LF = 10;
const CR = 13;

/** In place of a type: the length of a text is known, and its bytes follow. */
const TEXT = 1;
/** In place of a length: no digit has come yet. */
const NO_DIGIT = -1;

const SHORT_LINE = 24;

/** What is owed when a line is at its CR, and when the sign of a null has come: `1`, CR, LF. */
const LINE_END = 1;
const NULL_END = 3;

/**
 * Follows the frames of RESP 2 through the bytes of one connection, without decoding them, so that they can be
 * counted before the client library sees them. The library trusts a server: one reply too many shifts all
 * answers that follow to the wrong callers, a push frame turns it into a subscriber, a null that nobody asked
 * for ends the process, and an announced array of a billion elements exhausts the memory.
 *
 * A frame ends here where the library's decoder answers its command, which is before its last byte: at the CR of
 * a line and behind a text, at the sign of a null. What is then still to come the decoder skips unread, so it has
 * to be looked at here: whatever else stood there would be one frame to this and another to the decoder.
 *
 * Grammar: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP 2 types only).
 */
export class ReplyScanner {
  private readonly open: number[] = [];
  private type = 0;
  /** Of a header: the number so far. Of a text: the bytes that are still to come. */
  private length = 0;
  /** Bytes of an end of line that are still to come. */
  private owed = 0;
  private frames = 0;

  constructor(private readonly limits: ReplyLimits = USUAL) {}

  /** Whether a frame has begun and is not answered yet. */
  get inside(): boolean {
    return this.type !== 0 || this.open.length > 0;
  }

  /**
   * @returns how many frames the decoder answers in these bytes
   * @throws ProtocolViolation for what no server sends on a RESP 2 connection
   */
  scan(bytes: Buffer): number {
    this.frames = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.owed > 0) this.settle(bytes[at++] as number);
      else if (this.type === 0) this.begin(bytes[at++] as number);
      else if (this.type === TEXT) at = this.text(bytes, at);
      else if (this.type === DOLLAR || this.type === STAR) at = this.header(bytes, at);
      else at = this.line(bytes, at);
    }
    return this.frames;
  }

  private begin(type: number): void {
    if (type !== PLUS && type !== MINUS && type !== COLON && type !== DOLLAR && type !== STAR) {
      throw new ProtocolViolation(`a frame begins with byte ${type}`);
    }
    this.type = type;
    this.length = NO_DIGIT;
  }

  /** One byte of what is owed. */
  private settle(byte: number): void {
    const expected = this.owed === LINE_END ? LF : this.owed === NULL_END ? ONE : CR;
    if (byte !== expected) throw new ProtocolViolation(`a line ends with byte ${byte}`);
    this.owed -= 1;
  }

  /** A status, an error or a number. Most are short, and a loop finds their end sooner than a search. */
  private line(bytes: Buffer, from: number): number {
    const short = Math.min(from + SHORT_LINE, bytes.length);
    let end = from;
    while (end < short && bytes[end] !== CR && bytes[end] !== LF) end += 1;
    if (end === short) end = searchEnd(bytes, short);
    if (end === bytes.length) return end;
    if (bytes[end] === LF) throw new ProtocolViolation('a line feed stands inside a line');
    this.ended(LINE_END);
    return end + 1;
  }

  /** The line that announces a length. */
  private header(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte === CR) {
        this.announced();
        return at + 1;
      }
      if (byte === MINUS && this.length === NO_DIGIT) {
        this.ended(NULL_END);
        return at + 1;
      }
      if (byte < ZERO || byte > ZERO + 9) throw new ProtocolViolation('a length is no number');
      this.length = (this.length === NO_DIGIT ? 0 : this.length * 10) + byte - ZERO;
      if (this.length > this.limits.bulk) throw new ProtocolViolation('a length is out of bounds');
    }
    return bytes.length;
  }

  private announced(): void {
    if (this.length === NO_DIGIT) throw new ProtocolViolation('a length is missing');
    this.owed = LINE_END;
    if (this.type === DOLLAR) this.type = TEXT;
    else if (this.length === 0) this.ended(LINE_END);
    else this.descend();
  }

  private descend(): void {
    if (this.length > this.limits.elements) throw new ProtocolViolation('an array is out of bounds');
    if (this.open.length === DEEPEST) throw new ProtocolViolation('arrays are nested too deep');
    this.open.push(this.length);
    this.type = 0;
  }

  private text(bytes: Buffer, at: number): number {
    const step = Math.min(this.length, bytes.length - at);
    this.length -= step;
    const end = at + step;
    if (end === bytes.length) return end;
    if (bytes[end] !== CR) throw new ProtocolViolation('a text is longer than announced');
    this.ended(LINE_END);
    return end + 1;
  }

  /** A value is complete but for what is owed; with it perhaps the arrays around it. */
  private ended(owed: number): void {
    this.type = 0;
    this.owed = owed;
    for (;;) {
      const innermost = this.open.length - 1;
      if (innermost < 0) {
        this.frames += 1;
        return;
      }
      const left = (this.open[innermost] as number) - 1;
      this.open[innermost] = left;
      if (left > 0) return;
      this.open.pop();
    }
  }
}

/** Index of the next CR or LF, or the number of bytes. */
function searchEnd(bytes: Buffer, from: number): number {
  const cr = bytes.indexOf(CR, from);
  const end = cr < 0 ? bytes.length : cr;
  const lf = bytes.indexOf(LF, from);
  return lf < 0 ? end : Math.min(lf, end);
}
