import { describe, expect, it } from 'vitest';
import { newWebhookSecret, signatureOf } from './webhook-signature.js';

describe('the signature of a webhook', () => {
  // Computed with: printf '%s' '<t>.<body>' | openssl dgst -sha256 -hmac '<secret>'
  it.each([
    ['whsec_test', 1700000000, '{}', '35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91'],
    ['whsec_ä🔑', 0, '', '2a0f37c772df2ed8437253c013800c13ccde83a8cf0a535a6854645a34c378eb'],
    [
      'whsec_test',
      1700000000,
      '{"type":"incident","title":"Störung 🔥"}',
      'ff1b12da586cb2efd4606a7b19884e2d4640fb14a34b201a47f7446958d1b47e',
    ],
  ])('of %s at %d over %j', (secret, seconds, body, mac) => {
    expect(signatureOf(secret, seconds, body)).toBe(`t=${seconds},v1=${mac}`);
  });

  it('is another one for another moment, body or secret', () => {
    const all = [
      signatureOf('a', 1, 'x'),
      signatureOf('a', 2, 'x'),
      signatureOf('a', 1, 'y'),
      signatureOf('b', 1, 'x'),
    ];
    expect(new Set(all).size).toBe(4);
  });

  it('has a secret of 32 random bytes', () => {
    const secrets = Array.from({ length: 100 }, newWebhookSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) expect(secret).toMatch(/^whsec_[\w-]{43}$/);
  });
});
