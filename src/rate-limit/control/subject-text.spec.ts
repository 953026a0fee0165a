import { describe, expect, it } from 'vitest';
import type { Dimension } from '../policies/policy.js';
import { canonicalAddress, canonicalNetwork } from '../counting/client-address.js';
import { Subject } from '../counting/subject.js';
import { InvalidRulingError } from './control.errors.js';
import { LONGEST_SUBJECT, namedSubject, plainText } from './subject-text.js';

const CANONICAL: Readonly<Record<string, (text: string) => string>> = {
  ip: canonicalAddress,
  network: canonicalNetwork,
};
const find = (dimension: Dimension, text: string) =>
  new Subject(dimension, CANONICAL[dimension]?.(text) ?? text, 'digest');
const named = (dimension: Dimension, text: string) => namedSubject(dimension, text, find).value;

describe('the subject that an operator means', () => {
  it.each([
    ['ip', '203.0.113.7', '203.0.113.7'],
    ['ip', ' 203.0.113.7/32 ', '203.0.113.7'],
    ['ip', '2001:db8:1:2:3::9', '2001:db8:1:2::/64'],
    ['ip', '2001:db8:1:2::/64', '2001:db8:1:2::/64'],
    ['ip', '::ffff:203.0.113.7', '203.0.113.7'],
    ['ip', 'unknown', 'unknown'],
    ['network', '203.0.113.7', '203.0.113.0/24'],
    ['network', '203.0.113.0/24', '203.0.113.0/24'],
    ['network', '2001:db8:1::/48', '2001:db8:1::/48'],
    ['global', 'whatever', 'all'],
    ['user', 'ada/24', 'ada/24'],
  ] as const)('%s %j is %s', (dimension, text, value) => {
    expect(named(dimension, text)).toBe(value);
  });

  it.each([
    ['ip', '203.0.113.0/24', /counted by \/32/],
    ['ip', '2001:db8::/32', /counted by \/64/],
    ['network', '203.0.0.0/16', /counted by \/24/],
    ['ip', '203.0.113.777', /not an address/],
    ['ip', 'localhost', /not an address/],
    ['user', '', /1 to 1024 characters/],
    ['user', 'x'.repeat(LONGEST_SUBJECT + 1), /1 to 1024 characters/],
  ] as const)('%s %j is refused', (dimension, text, why) => {
    expect(() => named(dimension, text)).toThrow(InvalidRulingError);
    expect(() => named(dimension, text)).toThrow(why);
  });

  it('never repeats the subject in a refusal', () => {
    expect(() => named('ip', '203.0.113.777')).toThrow(InvalidRulingError);
    expect(() => named('ip', '203.0.113.777')).not.toThrow(/203/);
  });

  it('is read again from the text that requests bring, not from its spelling', () => {
    expect(plainText('ip', '2001:db8:1:2::/64')).toBe('2001:db8:1:2::');
    expect(plainText('user', 'ada/24')).toBe('ada/24');
  });
});
