import { describe, expect, it } from 'vitest';
import { maskedAddress } from './masked-address.js';

describe('A masked address', () => {
  it.each([
    ['192.0.2.77', '192.0.2.x'],
    ['::ffff:192.0.2.77', '192.0.2.x'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:xxxx'],
    ['2001:0DB8::6', '2001:db8:xxxx'],
    ['2001::6', '2001:0:xxxx'],
    ['::1', '0:0:xxxx'],
    ['fe80::1%eth0', 'fe80:0:xxxx'],
  ])('of %s is %s', (address, masked) => expect(maskedAddress(address)).toBe(masked));

  it.each(['', 'unknown', '192.0.2', '192.0.2.1, 10.0.0.1', 'x'.repeat(1000), '\u0000'])(
    'of %j is nothing',
    (text) => expect(maskedAddress(text)).toBeUndefined(),
  );
});
