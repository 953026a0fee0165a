import 'reflect-metadata';
import { expect, it } from 'vitest';
import { AccessSettings } from '../access/index.js';
import { ConfigModule, judge } from '../config/index.js';
import { AuthSettings } from './auth.config.js';

const DAY_MS = 86_400_000;

const load = (env: Record<string, string>) => {
  const { settings, faults } = judge([ConfigModule.forFeature(AuthSettings)], {
    APP_PROFILE: 'test',
    ...env,
  });
  return { auth: settings.of(AuthSettings), faults: faults.map(({ variable }) => variable).sort() };
};

it('the settings of logins need nothing where it is local', () => {
  const { auth, faults } = load({});
  expect(faults).toEqual([]);
  expect(auth).toMatchObject({
    refreshIdleMs: 14 * DAY_MS,
    refreshLifeMs: 30 * DAY_MS,
    refreshGraceMs: 10_000,
    refreshLostReplyMs: DAY_MS,
    deviceLifeMs: 90 * DAY_MS,
  });
});

it('the settings of logins name every secret that is missing, short or given twice', () => {
  expect(load({ APP_PROFILE: 'production' }).faults).toEqual([
    'AUTH_ACCOUNT_PEPPER',
    'AUTH_DEVICE_KEYS',
    'AUTH_REFRESH_PEPPER',
  ]);
  const [long, other] = ['a'.repeat(32), 'b'.repeat(32)];
  const given = { AUTH_ACCOUNT_PEPPER: long, AUTH_DEVICE_KEYS: other, AUTH_REFRESH_PEPPER: long };
  expect(load({ APP_PROFILE: 'production', ...given })).toMatchObject({ faults: ['AUTH_ACCOUNT_PEPPER'] });
  const ring = { ...given, AUTH_REFRESH_PEPPER: `${'c'.repeat(32)},short` };
  expect(load({ APP_PROFILE: 'production', ...ring }).faults).toEqual(['AUTH_REFRESH_PEPPER']);
});

it.each([
  ['AUTH_REFRESH_IDLE_MS', '9m'],
  ['AUTH_REFRESH_IDLE_MS', '31d'],
  ['AUTH_REFRESH_LIFE_MS', '366d'],
  ['AUTH_REFRESH_GRACE_MS', '61s'],
  ['AUTH_REFRESH_GRACE_MS', '-1'],
  ['AUTH_REFRESH_LOST_REPLY_MS', '8d'],
  ['AUTH_DEVICE_LIFE_MS', '0'],
])('%s of %s is out of bounds', (variable, text) => {
  expect(load({ [variable]: text }).faults).toEqual([variable]);
});

it.each([
  [{}, []],
  [{ AUTH_SESSION_IDLE_MS: '1d' }, ['AUTH_REFRESH_IDLE_MS is longer than AUTH_SESSION_IDLE_MS']],
  [{ AUTH_REFRESH_LIFE_MS: '31d' }, ['AUTH_REFRESH_LIFE_MS is longer than AUTH_SESSION_LIFE_MS']],
  [
    { AUTH_SESSION_IDLE_MS: '1d', AUTH_SESSION_LIFE_MS: '2d' },
    [
      'AUTH_REFRESH_IDLE_MS is longer than AUTH_SESSION_IDLE_MS',
      'AUTH_REFRESH_LIFE_MS is longer than AUTH_SESSION_LIFE_MS',
    ],
  ],
  [{ AUTH_REFRESH_IDLE_MS: '1d', AUTH_REFRESH_LIFE_MS: '2d' }, []],
  // What is out of bounds itself is told once.
  [{ AUTH_SESSION_LIFE_MS: '366d' }, ['AUTH_SESSION_LIFE_MS must not be greater']],
  [{ AUTH_REFRESH_LIFE_MS: '366d' }, ['AUTH_REFRESH_LIFE_MS must not be greater']],
])('refresh tokens do not outlive their session: %j', (env, expected) => {
  const modules = [ConfigModule.forFeature(AccessSettings), ConfigModule.forFeature(AuthSettings)];
  const { faults } = judge(modules, { APP_PROFILE: 'test', ...env });
  const told = faults.map(({ variable, rule }) => `${variable} ${rule}`.split(/,| than \d/)[0]);
  expect(told).toEqual(expected);
});
