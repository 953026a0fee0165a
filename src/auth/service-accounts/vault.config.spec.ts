import 'reflect-metadata';
import { expect, it } from 'vitest';
import { ConfigModule, judge } from '../../config/index.js';
import { VaultSettings } from './vault.config.js';

const faultsOf = (env: Record<string, string>) =>
  judge([ConfigModule.forFeature(VaultSettings)], { APP_PROFILE: 'test', ...env })
    .faults.map(({ variable }) => variable)
    .sort();

const GIVEN = {
  VAULT_ADDR: 'https://vault.example.com:8200',
  VAULT_TOKEN_FILE: '/run/secrets/vault',
  VAULT_TRANSIT_KEY: 'service-accounts',
};

it('Vault may be left out, or given whole', () => {
  expect(faultsOf({})).toEqual([]);
  expect(faultsOf({ ...GIVEN, APP_PROFILE: 'production' })).toEqual([]);
});

it('Vault is asked over https alone, but on a machine of a developer', () => {
  const open = { ...GIVEN, VAULT_ADDR: 'http://127.0.0.1:8200' };
  expect(faultsOf(open)).toEqual([]);
  expect(faultsOf({ ...open, APP_PROFILE: 'staging' })).toEqual(['VAULT_ADDR']);
});

it.each([
  [{ VAULT_ADDR: GIVEN.VAULT_ADDR }, ['VAULT_TOKEN_FILE', 'VAULT_TRANSIT_KEY']],
  [{ ...GIVEN, VAULT_ADDR: 'https://user:secret@vault.example.com' }, ['VAULT_ADDR']],
  [{ ...GIVEN, VAULT_ADDR: 'https://vault.example.com/v1' }, ['VAULT_ADDR']],
  [{ ...GIVEN, VAULT_TRANSIT_KEY: '../sys/raw' }, ['VAULT_TRANSIT_KEY']],
  [{ ...GIVEN, VAULT_TIMEOUT_MS: '1m' }, ['VAULT_TIMEOUT_MS']],
])('Vault is not configured by %o', (env, variables) => {
  expect(faultsOf(env)).toEqual(variables);
});
