import { describe, expect, it } from 'vitest';
import { canonicalAddress, canonicalNetwork } from './client-address.js';

describe('the spelling of a client address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['  192.0.2.7 ', '192.0.2.7'],
    ['192.0.2.7:4711', '192.0.2.7'],
    ['0.0.0.0', '0.0.0.0'],
  ])('IPv4 %j is counted by itself', (text, expected) => expect(canonicalAddress(text)).toBe(expected));

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::9', '2001:db8:1:3::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::2%25en1', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ])('IPv6 %j is counted by its /64', (text, expected) => expect(canonicalAddress(text)).toBe(expected));

  it.each([
    '::ffff:192.0.2.7',
    '::FFFF:192.0.2.7',
    '::ffff:c000:207',
    '::ffff:c000:0207',
    '0:0:0:0:0:ffff:c000:207',
    '0000:0000:0000:0000:0000:ffff:192.0.2.7',
    '0::ffff:c000:207',
    '[::ffff:192.0.2.7]:80',
    '::ffff:192.0.2.7%lo',
  ])('IPv4 inside IPv6, written %j, is that IPv4', (text) =>
    expect(canonicalAddress(text)).toBe('192.0.2.7'),
  );

  it.each([
    '::ffff:0:192.0.2.7',
    '::fffe:192.0.2.7',
    '1::ffff:192.0.2.7',
    '::192.0.2.7',
    '::ffff:0:c000:207',
  ])('%j looks mapped but is not', (text) => expect(canonicalAddress(text)).toMatch(/::\/64$/));

  it.each([
    undefined,
    '',
    'unknown',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.07',
    '0xc0000207',
    '3221225991',
    '192.0.2.7, 198.51.100.1',
    '192.0.2.7:4711:1',
    '2001:db8::1::2',
    '2001:db8:1:2:3:4:5:6:7',
    '12345::',
    '[]',
    '[2001:db8::1',
    '::ffff:192.0.2.256',
    '%eth0',
    'a'.repeat(10_000),
    '\u0000',
    "1.2.3.4'--",
  ])('%j is no address: all such clients are one', (text) => expect(canonicalAddress(text)).toBe('unknown'));
});

describe('The network of a client address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.0/24'],
    ['192.0.2.255', '192.0.2.0/24'],
    ['192.0.3.7', '192.0.3.0/24'],
    ['192.0.2.7:4711', '192.0.2.0/24'],
    ['::ffff:192.0.2.7', '192.0.2.0/24'],
    ['::ffff:c000:207', '192.0.2.0/24'],
  ])('of IPv4 %j is its /24', (text, expected) => expect(canonicalNetwork(text)).toBe(expected));

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8:1:ffff::', '2001:db8:1::/48'],
    ['2001:db8:2::1', '2001:db8:2::/48'],
    ['[2001:0DB8:1::9]:443', '2001:db8:1::/48'],
    ['fe80::1%eth0', 'fe80:0:0::/48'],
    ['::1', '0:0:0::/48'],
  ])('of IPv6 %j is its /48', (text, expected) => expect(canonicalNetwork(text)).toBe(expected));

  it.each([undefined, '', 'unknown', '192.0.2.256', '192.0.2.0/24', '2001:db8:1::/48'])(
    'of %j, which is no address, is one for all such clients',
    (text) => expect(canonicalNetwork(text)).toBe('unknown'),
  );

  it('is no address of a client, so the two are never taken for each other', () => {
    for (const text of ['192.0.2.7', '2001:db8:1:2::9']) {
      expect(canonicalNetwork(text)).not.toBe(canonicalAddress(text));
      expect(canonicalNetwork(canonicalNetwork(text))).toBe('unknown');
    }
  });
});
