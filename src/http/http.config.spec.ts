import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { ConfigModule, judge } from '../config/index.js';
import { HttpSettings } from './http.config.js';
import { parseTrustProxy } from './trust-proxy.js';

const load = (env: Record<string, string>) => {
  const { settings, faults } = judge([ConfigModule.forFeature(HttpSettings)], env);
  return {
    http: settings.of(HttpSettings),
    faults: faults.map(({ variable, rule }) => `${variable} ${rule}`),
  };
};

describe('HttpSettings', () => {
  it('need nothing in development', () => {
    const { http, faults } = load({});
    expect(faults).toEqual([]);
    expect(http).toMatchObject({ port: 3000, bodyLimitBytes: 65_536, trustProxy: false });
    expect(http.listenHost('development')).toBe('127.0.0.1');
    expect(http.listenHost('production')).toBe('0.0.0.0');
  });

  it('need an OPS_TOKEN of 32 bytes in staging and production', () => {
    expect(load({ APP_PROFILE: 'staging' }).faults).toEqual(['OPS_TOKEN must be set in staging']);
    const short = load({ APP_PROFILE: 'production', OPS_TOKEN: 'short' });
    expect(short.faults).toEqual(['OPS_TOKEN has fewer than 32 bytes']);
    expect(load({ APP_PROFILE: 'production', OPS_TOKEN: 'x'.repeat(32) }).faults).toEqual([]);
  });

  it('refuse to trust every proxy outside demo', () => {
    expect(load({ TRUST_PROXY: 'true' }).faults[0]).toMatch(/^TRUST_PROXY is true/);
    expect(load({ TRUST_PROXY: 'true', APP_PROFILE: 'demo' }).faults).toEqual([]);
  });

  it.each([
    '0.0.0.0/1,128.0.0.0/1',
    '128.0.0.0/1, 10.0.0.0/8, 64.0.0.0/2, 0.0.0.0/2',
    '::/1',
    '::/1,8000::/1',
    '2000::/3',
    '::ffff:0:0/96',
    '::ffff:0.0.0.0/97, 128.0.0.0/1',
  ])('refuse ranges that are everybody outside demo: %s', (ranges) => {
    expect(load({ TRUST_PROXY: ranges }).faults[0]).toMatch(/^TRUST_PROXY covers every address/);
    expect(load({ TRUST_PROXY: ranges, APP_PROFILE: 'demo' }).faults).toEqual([]);
  });

  it.each(['0.0.0.0/1', '0.0.0.0/1,128.0.0.0/2', 'fd00::/8,::1,loopback', '2000::/4,::ffff:1.2.3.4'])(
    'take ranges that are not everybody: %s',
    (ranges) => expect(load({ TRUST_PROXY: ranges }).faults).toEqual([]),
  );

  it('name every variable that is out of bounds', () => {
    const { faults } = load({ PORT: '70000', HTTP_REQUEST_TIMEOUT_MS: '1ms', BODY_LIMIT_BYTES: 'many' });
    expect(new Set(faults.map((fault) => fault.split(' ')[0]))).toEqual(
      new Set(['BODY_LIMIT_BYTES', 'HTTP_REQUEST_TIMEOUT_MS', 'PORT']),
    );
  });
});

describe('TRUST_PROXY', () => {
  it.each([
    ['2', 2],
    ['0', false],
    ['false', false],
    ['true', true],
    ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
    ['loopback,fd00::/8', ['loopback', 'fd00::/8']],
  ])('%s is understood', (text, value) => expect(parseTrustProxy(text)).toEqual(value));

  it.each(['0.0.0.0/0', '::/0', '10.0.0.0/00', '10.0.0.0/8,::/000'])('%s is refused by its name', (text) =>
    expect(() => parseTrustProxy(text)).toThrow(/must be .*; \S+\/0+ is every address/),
  );

  it.each([
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '::/129',
    'example.com',
    '-1',
    '10.0.0.0/8/8',
    'yes',
    '1.2.3.4,',
  ])('%s is refused', (text) => expect(() => parseTrustProxy(text)).toThrow('must be'));
});
