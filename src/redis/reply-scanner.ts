/** What a server sent is not an answer to anything that was asked. */
export class ProtocolViolation extends Error {}

/** More elements than any answer of ours has: the library reserves memory for what is announced. */
const MOST_ELEMENTS = 1_000_000;
const DEEPEST = 16;
/** proto-max-bulk-len of Redis: 512 MiB. */
const LONGEST_BULK = 512 * 1024 * 1024;

const PLUS = '+'.charCodeAt(0);
const MINUS = '-'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);
const DOLLAR = '$'.charCodeAt(0);
const STAR = '*'.charCodeAt(0);
const LF = 10;
const CR = 13;

/**
 * Follows the frames of RESP 2 through the bytes of one connection, without decoding them, so that they can be
 * counted before the client library sees them. The library trusts a server: one reply too many shifts all
 * answers that follow to the wrong callers, a push frame turns it into a subscriber, a null that nobody asked
 * for ends the process, and an announced array of a billion elements exhausts the memory.
 *
 * Grammar: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP 2 types only).
 */
export class ReplyScanner {
  private readonly open: number[] = [];
  private type = 0;
  private length = 0;
  private negative = false;
  private payload = 0;

  /** Whether a frame has begun and not ended yet. */
  get inside(): boolean {
    return this.type !== 0 || this.payload > 0 || this.open.length > 0;
  }

  /**
   * @returns how many whole frames end in these bytes
   * @throws ProtocolViolation for what no server sends on a RESP 2 connection
   */
  scan(bytes: Buffer): number {
    let frames = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.payload > 0) {
        const step = Math.min(this.payload, bytes.length - at);
        this.payload -= step;
        at += step;
        if (this.payload === 0) frames += this.ended();
      } else if (this.type === 0) {
        this.begin(bytes[at] as number);
        at += 1;
      } else if (this.type === DOLLAR || this.type === STAR) {
        frames += this.header(bytes[at] as number);
        at += 1;
      } else {
        const end = bytes.indexOf(LF, at);
        at = end < 0 ? bytes.length : end + 1;
        if (end >= 0) frames += this.ended();
      }
    }
    return frames;
  }

  private begin(type: number): void {
    if (type !== PLUS && type !== MINUS && type !== COLON && type !== DOLLAR && type !== STAR) {
      throw new ProtocolViolation(`a frame begins with byte ${type}`);
    }
    this.type = type;
    this.length = 0;
    this.negative = false;
  }

  /** One byte of the line that announces a length. */
  private header(byte: number): number {
    if (byte === CR) return 0;
    if (byte === MINUS) {
      this.negative = true;
      return 0;
    }
    if (byte !== LF) {
      if (byte < 48 || byte > 57) throw new ProtocolViolation('a length is no number');
      this.length = this.length * 10 + byte - 48;
      if (this.length > LONGEST_BULK) throw new ProtocolViolation('a length is out of bounds');
      return 0;
    }
    if (this.negative) return this.ended();
    return this.type === DOLLAR ? this.beginBulk() : this.beginArray();
  }

  private beginBulk(): number {
    this.payload = this.length + 2;
    return 0;
  }

  private beginArray(): number {
    if (this.length === 0) return this.ended();
    if (this.length > MOST_ELEMENTS) throw new ProtocolViolation('an array is out of bounds');
    if (this.open.length === DEEPEST) throw new ProtocolViolation('arrays are nested too deep');
    this.open.push(this.length);
    this.type = 0;
    return 0;
  }

  /** A value is complete; with it perhaps the arrays around it. */
  private ended(): number {
    this.type = 0;
    for (;;) {
      const innermost = this.open.length - 1;
      if (innermost < 0) return 1;
      const left = (this.open[innermost] as number) - 1;
      this.open[innermost] = left;
      if (left > 0) return 0;
      this.open.pop();
    }
  }
}
