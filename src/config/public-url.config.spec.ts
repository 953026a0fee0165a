import { describe, expect, it } from 'vitest';
import { ConfigModule } from './config.module.js';
import { PublicUrlSettings, isOwnOrigin } from './public-url.config.js';
import { judge } from './settings-loader.js';

const judged = (env: Record<string, string>) => {
  const { settings, faults } = judge([ConfigModule.forFeature(PublicUrlSettings)], env);
  return faults.length > 0 ? faults.map(({ rule }) => rule) : settings.of(PublicUrlSettings).publicUrl.href;
};

describe('APP_PUBLIC_URL', () => {
  it('is this machine in local profiles, and must be given with https elsewhere', () => {
    expect(judged({ APP_PROFILE: 'demo' })).toBe('http://127.0.0.1:3000/');
    expect(judged({ APP_PROFILE: 'demo', PORT: '3977' })).toBe('http://127.0.0.1:3977/');
    expect(judged({ APP_PROFILE: 'demo', PORT: '80000' })).toBe('http://127.0.0.1:3000/');
    expect(judged({ APP_PROFILE: 'production' })).toEqual(['must be set in production']);
    expect(judged({ APP_PROFILE: 'staging', APP_PUBLIC_URL: 'http://app.example.com' })).toEqual([
      'must be an https address in staging',
    ]);
    expect(judged({ APP_PROFILE: 'production', APP_PUBLIC_URL: 'https://app.example.com' })).toBe(
      'https://app.example.com/',
    );
  });

  it.each(['app.example.com', 'ftp://x', 'javascript:alert(1)', 'https://', ' '])('refuses %j', (text) => {
    expect(judged({ APP_PROFILE: 'demo', APP_PUBLIC_URL: text })).toEqual([
      'must be an http or https address',
    ]);
  });

  it.each(['https://u:p@x', 'https://x/path', 'https://x?q', 'https://x#f'])('refuses %j', (text) => {
    expect(judged({ APP_PROFILE: 'demo', APP_PUBLIC_URL: text })).toEqual([
      'must be scheme, host and port only',
    ]);
  });
});

describe('a browser that says where its page is from', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com', true],
    ['https://app.example.com', 'https://app.example.com:8443', false],
    ['https://app.example.com', 'http://app.example.com', false],
    ['https://app.example.com', 'https://app.example.com.evil.test', false],
    ['https://app.example.com', 'null', false],
    ['http://127.0.0.1:3000', 'http://localhost:3000', true],
    ['http://127.0.0.1:3000', 'http://[::1]:3000', true],
    ['http://127.0.0.1:3000', 'http://localhost:3001', false],
    ['http://127.0.0.1:3000', 'http://localhost.evil.test:3000', false],
    ['https://app.example.com', 'https://localhost', false],
  ])('at %s takes %s for ours: %s', (own, origin, ours) => {
    expect(isOwnOrigin(new URL(own), origin)).toBe(ours);
  });
});
