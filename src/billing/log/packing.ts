import { type DeflateRaw, constants, createDeflateRaw, deflateRawSync } from 'node:zlib';

/**
 * What is saved by trying harder is little, and every delivery pays for it. With less memory an event of some kilobytes falls
 * into several blocks, each with tables of its own, and what it says twice is not found: that takes longer, and is larger.
 */
export const PACKING = { level: 1, memLevel: 6, windowBits: 13, chunkSize: 4096 } as const;

/** What an unpackable text may grow by: five bytes for each block of it. */
const MOST_GROWTH = 64;
/** A text that is larger is packed by itself, so that no large memory is held for it. */
const LARGEST_BYTES = 64 * 1024;
const PROBE = '{"id":"evt_1","object":"event","type":"invoice.paid"}';

/** The engine below Node's streams; what is used of it has been the same since Node 10, and is tried before it is relied on. */
interface Engine {
  /** @param places input, where in it, how much of it; output, where in it, how much room */
  writeSync(flush: number, ...places: readonly (Buffer | number)[]): void;
  reset(): void;
}

interface Insides {
  readonly _handle?: Partial<Engine>;
  /** What the last call has left: room in the output, and input. */
  readonly _writeState?: Uint32Array;
}

/** Packs what Stripe sent. @returns raw deflate, the bytes that `deflateRawSync` makes of it with PACKING */
export const pack: (text: string) => Buffer = packerOf(createDeflateRaw(PACKING)) ?? packAlone;

/** A text that was packed before it is kept. */
export interface PackedText {
  /** Characters that it had. */
  readonly length: number;
  readonly packed: Buffer;
}

export function packText(text: string): PackedText {
  return { length: text.length, packed: pack(text) };
}

function packAlone(text: string): Buffer {
  return deflateRawSync(text, PACKING);
}

/**
 * Packs one text after the other with the same tables: setting them up is more than half of what packing four kilobytes
 * costs, and Node's own functions do it for each text.
 *
 * @returns undefined where this runtime has another inside, or gives other bytes
 */
export function packerOf(stream: DeflateRaw): ((text: string) => Buffer) | undefined {
  const { _handle: engine, _writeState: left } = stream as unknown as Insides;
  if (!isEngine(engine) || !(left instanceof Uint32Array)) return undefined;
  const input = Buffer.allocUnsafeSlow(LARGEST_BYTES);
  const output = Buffer.allocUnsafeSlow(LARGEST_BYTES + MOST_GROWTH);
  const packed = (text: string): Buffer | undefined => {
    // A character has three bytes at most.
    if (text.length > LARGEST_BYTES / 3) return undefined;
    const size = input.write(text, 'utf8');
    engine.reset();
    engine.writeSync(constants.Z_FINISH, input, 0, size, output, 0, output.length);
    const [room = 0, unread = 1] = left;
    return unread === 0 && room > 0 ? Buffer.from(output.subarray(0, output.length - room)) : undefined;
  };
  // Twice: the second one meets what the first one left behind.
  for (let time = 0; time < 2; time += 1) if (!packed(PROBE)?.equals(packAlone(PROBE))) return undefined;
  return (text) => packed(text) ?? packAlone(text);
}

function isEngine(handle: Partial<Engine> | undefined): handle is Engine {
  return typeof handle?.writeSync === 'function' && typeof handle.reset === 'function';
}
