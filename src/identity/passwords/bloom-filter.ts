import { createHash } from 'node:crypto';

/** First bytes of a file; the last one is the version of what follows. */
const MAGIC = Buffer.from('BLOOM\u0001', 'latin1');
/** Magic, number of probes (1 byte), number of bits (4 bytes, big endian). */
const HEADER_BYTES = MAGIC.length + 1 + 4;
const MOST_PROBES = 32;

/**
 * A set that forgets the texts themselves: never misses one that was added, and takes a foreign one for a member at a
 * chosen, small rate. The probes are two 48-bit numbers of SHA-256, combined (Kirsch and Mitzenmacher 2006).
 */
export class BloomFilter {
  private constructor(
    private readonly bits: Uint8Array,
    private readonly bitCount: number,
    private readonly probes: number,
  ) {}

  /**
   * @param expected number of texts that will be added
   * @param falseRate share of foreign texts that may be taken for members, between 0 and 1
   */
  static sizedFor(expected: number, falseRate: number): BloomFilter {
    const bitCount = Math.ceil((-expected * Math.log(falseRate)) / Math.LN2 ** 2);
    const probes = Math.min(MOST_PROBES, Math.max(1, Math.round((bitCount / expected) * Math.LN2)));
    return new BloomFilter(new Uint8Array(Math.ceil(bitCount / 8)), bitCount, probes);
  }

  /** @throws RangeError where the bytes are not what `toBytes` gave */
  static fromBytes(bytes: Buffer): BloomFilter {
    if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw new RangeError('is not a Bloom filter of version 1');
    }
    const probes = bytes.readUInt8(MAGIC.length);
    const bitCount = bytes.readUInt32BE(MAGIC.length + 1);
    const bits = bytes.subarray(HEADER_BYTES);
    if (probes < 1 || probes > MOST_PROBES || bitCount < 1 || bits.length !== Math.ceil(bitCount / 8)) {
      throw new RangeError('is a Bloom filter that was cut or changed');
    }
    return new BloomFilter(bits, bitCount, probes);
  }

  add(text: string): void {
    for (const at of this.positions(text)) {
      const byte = Math.floor(at / 8);
      this.bits[byte] = (this.bits[byte] ?? 0) | (1 << (at % 8));
    }
  }

  has(text: string): boolean {
    return this.positions(text).every((at) => ((this.bits[Math.floor(at / 8)] ?? 0) & (1 << (at % 8))) !== 0);
  }

  toBytes(): Buffer {
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    header.writeUInt8(this.probes, MAGIC.length);
    header.writeUInt32BE(this.bitCount, MAGIC.length + 1);
    return Buffer.concat([header, this.bits]);
  }

  /** 32 probes of 48 bits stay below 2^53, where whole numbers are exact. */
  private positions(text: string): number[] {
    const digest = createHash('sha256').update(text, 'utf8').digest();
    const start = digest.readUIntBE(0, 6);
    const step = digest.readUIntBE(6, 6);
    return Array.from({ length: this.probes }, (_, probe) => (start + probe * step) % this.bitCount);
  }
}
