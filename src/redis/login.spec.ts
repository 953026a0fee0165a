import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { type ConnectionRequest, type Login, resolveLogin } from './login.js';
import { PURPOSES } from './purposes.js';
import { PurposeSettings, RedisSettings } from './redis.config.js';

const provider = { fetch: () => Promise.resolve({ password: 'issued' }) };
const secret = (text: string): Secret => new Secret(text);

function login(given: Partial<ConnectionRequest>, own: Partial<PurposeSettings> = {}): Login {
  const found = resolveLogin({
    purpose: 'authCache',
    definition: PURPOSES.authCache,
    own: Object.assign(new PurposeSettings(), own),
    shared: Object.assign(new RedisSettings(), { tls: false, url: secret('redis://all:shared@shared:1') }),
    profile: 'test',
    ...given,
  });
  if (!found || 'rule' in found) throw new Error('no login');
  return found;
}

describe('Beside a credential provider', () => {
  it('a password of the purpose is a fault, wherever it is set', () => {
    const faults = [
      login({ provider }, { password: secret('p') }),
      login({ provider }, { url: secret('redis://app:p@own:1') }),
      login({ provider, explicitUrl: secret('redis://app:p@code:1') }),
    ].map(({ faults: [fault] }) => `${fault?.variable} ${fault?.rule}`);
    expect(faults).toEqual([
      expect.stringMatching(/^AUTH_CACHE_REDIS_PASSWORD is set although RedisModule.forRoot gives/),
      expect.stringMatching(/^AUTH_CACHE_REDIS_URL holds a password although/),
      expect.stringMatching(/^RedisModule.forRoot holds a password although/),
    ]);
  });

  it('the password of the URL that all share is not used, and is no fault', () => {
    const { faults, credentials, source } = login({ provider });
    expect([faults, credentials, source]).toEqual([[], { username: 'all' }, 'REDIS_URL']);
  });

  it('a user of the settings stays, for a provider that names none', () => {
    expect(login({ provider }, { url: secret('redis://app@own:1') }).credentials).toEqual({
      username: 'app',
    });
  });
});
