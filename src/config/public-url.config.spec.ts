import { describe, expect, it } from 'vitest';
import { ConfigModule } from './config.module.js';
import { PublicUrlSettings } from './public-url.config.js';
import { judge } from './settings-loader.js';

const judged = (env: Record<string, string>) => {
  const { settings, faults } = judge([ConfigModule.forFeature(PublicUrlSettings)], env);
  return faults.length > 0 ? faults.map(({ rule }) => rule) : settings.of(PublicUrlSettings).publicUrl.href;
};

describe('APP_PUBLIC_URL', () => {
  it('is this machine in local profiles, and must be given with https elsewhere', () => {
    expect(judged({ APP_PROFILE: 'demo' })).toBe('http://127.0.0.1:3000/');
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
