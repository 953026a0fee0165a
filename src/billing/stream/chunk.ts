/** Bytes for one or many clients, encoded once, with the frame of an HTTP/1.1 chunk around them. */
export interface Chunk {
  /** As a client of HTTP/1.1 gets it. */
  readonly framed: Buffer;
  /** As a client of HTTP/1.0 gets it. The same memory. */
  readonly plain: Buffer;
  /** How many events are in it. */
  readonly events: number;
}

const CRLF = Buffer.from('\r\n');

/** @param frames one at least: a chunk without bytes would end the answer */
export function chunkOf(frames: readonly Buffer[], events = 0): Chunk {
  const bytes = frames.reduce((sum, { length }) => sum + length, 0);
  if (bytes === 0) throw new RangeError('An empty chunk would end the answer');
  const head = Buffer.from(`${bytes.toString(16)}\r\n`, 'latin1');
  const framed = Buffer.concat([head, ...frames, CRLF], head.length + bytes + CRLF.length);
  return { framed, plain: framed.subarray(head.length, head.length + bytes), events };
}
