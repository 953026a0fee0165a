import 'reflect-metadata';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { ConfigModule } from './config.module.js';
import { isKept, localSecret, ownSecretFaults } from './own-secrets.js';
import { judge } from './settings-loader.js';
import { EnvVariable } from './variable.decorator.js';

class Vault {
  @EnvVariable('VAULT_PEPPER', { doc: 'A secret', file: true, ownSecret: 'generated' })
  pepper!: Secret;

  @EnvVariable('VAULT_PIN', {
    doc: 'Four digits, then any text',
    ownSecret: 'generated',
    parse: (text) => {
      if (!/^\d{4}/.test(text)) throw new Error('must begin with four digits');
      return new Secret(text);
    },
  })
  pin!: Secret;
}

describe('A secret that nobody gave', () => {
  const home = process.cwd();
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'secrets-'));
    process.chdir(folder);
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true });
  });

  const reveal = (name: string, profile: 'demo' | 'test' | 'development') =>
    localSecret(name, profile).reveal();

  it('is made anew for each demo', () => {
    expect(reveal('A', 'demo')).not.toBe(reveal('A', 'demo'));
  });

  it('is that of development in a demo in the same folder, so that accounts of the one can log in to the other', () => {
    const kept = reveal('A', 'development');
    expect([reveal('A', 'demo'), isKept('A', 'demo')]).toEqual([kept, true]);
    expect(reveal('B', 'demo')).not.toBe(reveal('B', 'demo'));
  });

  it('is the same in every test run, and another for each name', () => {
    expect(reveal('A', 'test')).toBe(reveal('A', 'test'));
    expect(reveal('A', 'test')).not.toBe(reveal('B', 'test'));
  });

  it('is made once in development and kept in a file that only its owner reads', () => {
    const first = reveal('A', 'development');
    const second = reveal('B', 'development');
    expect([reveal('A', 'development'), reveal('B', 'development')]).toEqual([first, second]);
    expect([isKept('A', 'development'), isKept('C', 'development'), isKept('A', 'test')]).toEqual([
      true,
      false,
      false,
    ]);
    const file = join(folder, '.bulkhead', 'secrets.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ A: first, B: second });
  });

  it('is made anew when the file was spoilt', () => {
    const first = reveal('A', 'development');
    writeFileSync(join(folder, '.bulkhead', 'secrets.json'), '{ not json');
    expect(reveal('A', 'development')).not.toBe(first);
  });

  it('has 32 bytes of randomness at least', () => {
    expect(Buffer.from(reveal('A', 'demo'), 'base64url')).toHaveLength(32);
  });
});

describe('Own secrets in production', () => {
  const own = (variable: string, text?: string) => ({
    variable,
    value: text === undefined ? undefined : new Secret(text),
  });
  const rules = (...secrets: ReturnType<typeof own>[]) =>
    ownSecretFaults(secrets, 'production').map(({ variable, rule }) => `${variable} ${rule}`);
  const long = (letter: string) => letter.repeat(32);

  it('are given, long enough and all different', () => {
    expect(rules(own('A', long('a')), own('B', long('b')))).toEqual([]);
    expect(rules(own('A'))).toEqual(['A must be set in production']);
    expect(rules(own('A', 'short'))).toEqual(['A has fewer than 32 bytes']);
    expect(rules(own('A', long('x')), own('B', long('y')), own('C', long('x')))).toEqual([
      'C has the same value as A',
    ]);
  });

  it('may be a ring, each of which follows the rules', () => {
    const ring = (...keys: string[]) => ({ ...own('R', keys.join(',')), ring: true });
    expect(rules(ring(long('n'), long('o')))).toEqual([]);
    expect(rules(ring(long('n'), 'short'))).toEqual(['R has fewer than 32 bytes']);
    expect(rules(ring(long('n'), long('n')))).toEqual(['R has the same secret twice']);
    expect(rules(own('A', long('o')), ring(long('n'), long('o')))).toEqual(['R has the same value as A']);
    expect(rules(ring(' '))).toEqual(['R must be set in production']);
  });

  it('have a remedy of their own, else a random value', () => {
    const remedies = (...texts: (string | undefined)[]) =>
      ownSecretFaults(
        [own('A', long('a')), ...texts.map((text) => ({ ...own('B', text), remedy: 'Copy it' }))],
        'staging',
      ).map(({ remedy }) => remedy);
    expect(remedies(undefined, 'short', long('a'))).toEqual(['Copy it', 'Copy it', 'Copy it']);
    expect(ownSecretFaults([own('A')], 'staging')).toMatchObject([
      { remedy: expect.stringContaining('openssl rand -base64 32') },
    ]);
  });

  it('are not asked for in local profiles', () => {
    expect(ownSecretFaults([own('A'), own('B', 'short')], 'development')).toEqual([]);
  });

  it('are faulty once where they cannot be read, and not missing as well', () => {
    const faultsOf = (env: Record<string, string>) =>
      judge([ConfigModule.forFeature(Vault)], { APP_PROFILE: 'production', ...env }).faults.map(
        ({ variable, rule }) => `${variable} ${rule}`,
      );
    const [pepper, pin] = ['a'.repeat(32), `1234${'b'.repeat(28)}`];
    expect(faultsOf({ VAULT_PEPPER: pepper, VAULT_PIN: pin })).toEqual([]);
    expect(faultsOf({ VAULT_PEPPER: pepper, VAULT_PIN: `x${pin}` })).toEqual([
      'VAULT_PIN must begin with four digits',
    ]);
    expect(faultsOf({ VAULT_PEPPER_FILE: '/nowhere/pepper', VAULT_PIN: pin })).toEqual([
      'VAULT_PEPPER_FILE names a file that cannot be read (ENOENT)',
    ]);
    expect(faultsOf({ VAULT_PIN: pin })).toEqual(['VAULT_PEPPER must be set in production']);
  });
});
