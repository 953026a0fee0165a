import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { AccessSettings } from './access.config.js';
import { parseSigningKeys } from './signing-key.js';
import { SigningKeys } from './signing-keys.js';

/** RFC 8037, appendix A.1 to A.3. */
const RFC = {
  seed: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
};
const OTHER = 'B'.repeat(43);

const pem = (type: 'ed25519' | 'x25519' | 'ec'): string => {
  const { privateKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync(type as 'ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
};

describe('Signing keys', () => {
  it('of a seed have the public key and the thumbprint of RFC 8037', () => {
    const [key] = parseSigningKeys(RFC.seed);
    expect(key?.jwk).toEqual({
      kty: 'OKP',
      crv: 'Ed25519',
      x: RFC.x,
      kid: RFC.kid,
      alg: 'EdDSA',
      use: 'sig',
    });
  });

  it('are the same in both alphabets of base64', () => {
    expect(parseSigningKeys(`${RFC.seed.replace('_', '/')}=`)[0]?.kid).toBe(RFC.kid);
  });

  it('are read from seeds and PEMs in one ring, also from a PEM on one line', async () => {
    const text = pem('ed25519');
    const keys = parseSigningKeys(` ${text.trim().replaceAll('\n', '\\n')} , ${RFC.seed},`);
    expect(keys).toHaveLength(2);
    const jwk = createPrivateKey(text).export({ format: 'jwk' });
    expect(keys[0]?.jwk.x).toBe(jwk.x);
    expect(keys[0]?.kid).toBe(await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x: jwk.x ?? '' }));
    expect(parseSigningKeys(text)[0]?.kid).toBe(keys[0]?.kid);
  });

  it.each([
    ['nothing', ' , '],
    ['a seed too short', RFC.seed.slice(1)],
    ['a seed too long', `${RFC.seed}A`],
    ['one key in two spellings', `${RFC.seed},${RFC.seed.replace('_', '/')}=`],
    ['another curve', pem('ec')],
    ['a key for agreement', pem('x25519')],
    ['a public key', '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2Vw\n-----END PUBLIC KEY-----'],
    ['a cut PEM', pem('ed25519').slice(0, 60)],
    ['one bad key among good ones', `${RFC.seed},hunter2`],
    ['one key twice', `${RFC.seed},${OTHER},${RFC.seed}`],
  ])('refuse %s, and quote nothing', (_, text) => {
    let message = '';
    try {
      parseSigningKeys(text);
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/must be Ed25519 private keys/);
    for (const part of text.split(/[,\n]/).filter((line) => line.trim().length > 5))
      expect(message).not.toContain(part);
  });

  it('are published all, in their order, without anything private', () => {
    const settings = Object.assign(new AccessSettings(), { signingKeys: new Secret(`${OTHER},${RFC.seed}`) });
    const keys = new SigningKeys(settings);
    const { keys: published } = JSON.parse(keys.jwks.body) as { keys: Record<string, string>[] };
    expect(published.map(({ kid }) => kid)).toEqual([keys.newest.kid, RFC.kid]);
    for (const key of published)
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    expect(keys.find(RFC.kid)?.kid).toBe(RFC.kid);
    expect(keys.find('toString')).toBeUndefined();
  });
});
