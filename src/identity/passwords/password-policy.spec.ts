import { describe, expect, it } from 'vitest';
import { judgePassword, passwordSpelling } from './password-policy.js';
import { PasswordPolicyError } from './password.errors.js';

const COMMON = ['correct horse battery', 'trustno1trustno'];
const context = {
  emailKey: 'margaret@example.com',
  forbiddenWords: ['Bulkhead'],
  isCommon: (text: string) => COMMON.includes(text) || text === 'trustno1',
};

function verdict(password: string, emailKey = context.emailKey): string {
  try {
    return `ok: ${judgePassword(password, { ...context, emailKey }).length}`;
  } catch (error) {
    if (!(error instanceof PasswordPolicyError)) throw error;
    return `${error.slug}: ${error.rule}`;
  }
}

describe('The password policy', () => {
  it.each([
    ['15 characters, all small', 'lantern oyster!'],
    ['no special kind of character', 'lanternoysterhillside'],
    ['spaces at its ends', ' lantern oyster '],
    ['characters of many writings', 'लालटेन 牡蠣 αχιβάδα ok'],
    ['pictures', '🦪🏮🐚🌊⛵🪝🧭🗺️⚓🐙🦀🐟🐬🌅🏝️'],
    ['NUL', 'lantern\u0000oyster hill'],
    ['256 characters', [...Array(64).keys()].map((at) => String(1000 + at)).join('')],
  ])('takes %s', (_, password) => {
    expect(verdict(password)).toMatch(/^ok: /);
  });

  it.each([
    ['nothing', '', 'password-policy: too-short'],
    ['14 characters', 'lantern oyster', 'password-policy: too-short'],
    ['14 characters of two units', '🦪🏮🐚🌊⛵🧭⚓🐙🦀🐟🐬🌅🐠🐡', 'password-policy: too-short'],
    ['14 characters in 28 code points', 'e\u0301'.repeat(14), 'password-policy: too-short'],
    [
      '257 characters',
      `${[...Array(64).keys()].map((at) => String(1000 + at)).join('')}x`,
      'password-policy: too-long',
    ],
    ['a megabyte', 'x'.repeat(1_000_000), 'password-policy: too-long'],
    ['half a character', 'lantern oyster \uD800', 'password-policy: not-text'],
    ['the name in the address', 'I am Margaret the great', 'password-policy: contains-email'],
    ['the name of the service', 'my bulkHEAD password', 'password-policy: contains-service-name'],
    ['one letter over and over', 'a'.repeat(40), 'password-policy: repetitive'],
    ['a few letters over and over', 'abc'.repeat(6), 'password-policy: repetitive'],
    ['the same, not to the end', 'abcdefgabcdefgab', 'password-policy: repetitive'],
    ['what many use', 'Correct Horse Battery', 'password-blocked: common'],
    ['what many use, twice', 'trustno1trustno1', 'password-blocked: common'],
  ])('refuses %s', (_, password, expected) => {
    expect(verdict(password)).toBe(expected);
  });

  it('takes a short name in the address for part of any sentence, but not the address itself', () => {
    expect(verdict('an only lantern', 'an@example.com')).toMatch(/^ok/);
    expect(verdict('lantern an@example.com', 'an@example.com')).toBe('password-policy: contains-email');
  });

  it('takes a long text twice, which is as hard to guess as once', () => {
    expect(verdict('oyster hill oyster hill ')).toMatch(/^ok/);
  });

  it('hashes what was typed composed and decomposed alike', () => {
    const composed = judgePassword('caf\u00E9 lantern oyster', context);
    expect(judgePassword('cafe\u0301 lantern oyster', context)).toBe(composed);
    expect(passwordSpelling('cafe\u0301 lantern oyster')).toBe(composed);
  });

  it('says the rule, what it counts to and never the password', () => {
    let error: unknown;
    try {
      judgePassword('hunter2', context);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ status: 422, slug: 'password-policy', extensions: { rule: 'too-short' } });
    expect((error as Error).message).toMatch(/fewer than 15 characters/);
    expect(JSON.stringify(error) + (error as Error).message).not.toContain('hunter2');
  });
});

describe('The spelling of a password that is checked', () => {
  it.each([
    ['half a character', 'lantern oyster \uDC00'],
    ['257 characters', 'é'.repeat(257)],
    ['a megabyte', 'x'.repeat(1_000_000)],
  ])('is none for %s', (_, text) => {
    expect(passwordSpelling(text)).toBeUndefined();
  });

  it('exists for what the policy would refuse today', () => {
    expect(passwordSpelling('hunter2')).toBe('hunter2');
    expect(passwordSpelling('')).toBe('');
  });
});
