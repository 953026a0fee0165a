import { describe, expect, it } from 'vitest';
import { fixedFields, parseSession } from './session-value.js';

const TEXT = '1|3|1000|9000|2000|family-1|pwd,otp|c2VhbGVk';

describe('A session in Redis', () => {
  it('is read field by field', () => {
    expect(parseSession(TEXT)).toEqual({
      epoch: 3,
      createdAtMs: 1000,
      endsAtMs: 9000,
      seenAtMs: 2000,
      familyId: 'family-1',
      amr: ['pwd', 'otp'],
      client: 'c2VhbGVk',
    });
    expect(parseSession(TEXT.replace('pwd,otp', ''))?.amr).toEqual([]);
  });

  it.each([
    undefined,
    null,
    '',
    '1',
    `2${TEXT.slice(1)}`,
    `${TEXT}|x`,
    `${TEXT}\n`,
    `x${TEXT}`,
    TEXT.replace('1000', '-1'),
    // No date says them.
    TEXT.replace('1000', '9'.repeat(16)),
    TEXT.replace('9000', '9'.repeat(400)),
    TEXT.replace('3', '9'.repeat(20)),
  ])('is not found in %j', (text) => expect(parseSession(text)).toBeUndefined());

  it('takes over fields that cannot be read as others', () => {
    expect(fixedFields('family-1', ['pwd', 'otp'])).toEqual(['family-1', 'pwd,otp']);
    for (const family of ['', 'a|b', 'a b', 'x'.repeat(65), 'é'])
      expect(() => fixedFields(family, [])).toThrow(TypeError);
    for (const method of ['', 'a|b', 'a,b', 'x'.repeat(17)])
      expect(() => fixedFields('f', [method])).toThrow(TypeError);
  });
});
