/** Slots of a cluster. */
export const SLOTS = 16_384;

const OPEN = '{'.charCodeAt(0);
const CLOSE = '}'.charCodeAt(0);

/** CRC16 of each byte, polynomial x¹⁶ + x¹² + x⁵ + 1. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0);
  return crc;
});

/**
 * The slot of a key: CRC16 of what stands in its first braces, or of all of it where they are missing or empty.
 * That which the client library uses itself goes wrong behind empty braces, as in `a{}b{c}`, which any digest may
 * hold: such a key would be sent to the wrong node for ever.
 *
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model
 */
export function keySlot(key: string | Buffer): number {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  const open = bytes.indexOf(OPEN);
  const close = open < 0 ? open : bytes.indexOf(CLOSE, open);
  return close > open + 1 ? slotOf(bytes, open + 1, close) : slotOf(bytes, 0, bytes.length);
}

function slotOf(bytes: Buffer, from: number, to: number): number {
  let crc = 0;
  for (let at = from; at < to; at += 1)
    crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ (bytes[at] as number)] as number);
  return crc % SLOTS;
}
