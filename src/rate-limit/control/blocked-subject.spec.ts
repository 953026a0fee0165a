import { describe, expect, it } from 'vitest';
import { LONGEST_LABEL, maskedLabel, memberOf, readMember } from './blocked-subject.js';

const id = 'wrVHtGivwNPwRKA3';

describe('the label of a subject', () => {
  it.each([
    ['ip', '203.0.113.7', '203.0.113.*'],
    ['ip', '2001:db8:1:2::/64', '2001:db8:*'],
    ['ip', 'unknown', 'unknown'],
    ['network', '203.0.113.0/24', '203.0.113.0/24'],
    ['global', 'all', 'all'],
    ['user', 'ada.lovelace@example.com', 'a***@example.com'],
    ['account', 'acct_4711', 'ac***'],
    ['account', 'ada@example.com', 'a***@example.com'],
    ['apiKey', 'short', '***'],
    ['apiKey', 'sk_live_4711_0815', '***'],
    ['apiKey', 'x@rest-of-secret', '***'],
    ['apiKey', 'unknown', '***'],
    ['device', 'x@rest-of-secret', '***'],
    ['tenant', 'x@rest-of-secret', 'x@***'],
    ['user', 'unknown', 'un***'],
    ['tenant', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢', '𝔘𝔫***'],
  ])('of the %s %s is %s', (dimension, value, label) => {
    expect(maskedLabel(dimension, value)).toBe(label);
  });

  it('is one harmless line of bounded length', () => {
    expect(maskedLabel('user', `x\u001b[2J\r\n@${'d'.repeat(500)}\n.example`)).toMatch(/^[^\p{Cc}]{1,64}$/u);
    expect(maskedLabel('user', `a@${'b'.repeat(500)}`)).toHaveLength(LONGEST_LABEL);
  });
});

describe('the member of a blocked subject', () => {
  it('says dimension, digest and label, and nothing else of the subject', () => {
    const member = memberOf({ dimension: 'user', id, label: 'a***@example.com' });
    expect(member).toBe(`user:${id}:a***@example.com`);
    expect(readMember(member)).toEqual({ dimension: 'user', id, label: 'a***@example.com' });
  });

  it.each([
    '',
    'foreign',
    `user:${id}`,
    `user:${id.slice(1)}:label`,
    `us er:${id}:label`,
    `1user:${id}:label`,
    `${'d'.repeat(65)}:${id}:label`,
    `user:${id}:${'l'.repeat(65)}`,
    `user:${id}:two\nlines`,
    `user:${id}:label\n`,
  ])('is none of ours: %j', (member) => {
    expect(readMember(member)).toBeUndefined();
  });
});
