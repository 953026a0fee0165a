import { type KeyObject, createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT, UnsecuredJWT, exportJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { Secret } from '../kernel/redact.js';
import { AccessSettings } from './access.config.js';
import { InvalidTokenError } from './access.errors.js';
import { AccessTokens } from './access-tokens.js';
import { SigningKeys } from './signing-keys.js';

const OLD = 'A'.repeat(43);
const NEW = `${'B'.repeat(42)}A`;
const clock = new ManualClock();
const nowSeconds = () => Math.floor(clock.nowMs() / 1000);

const settingsOf = (ring: string) =>
  Object.assign(new AccessSettings(), {
    issuer: 'https://issuer.example',
    audience: 'api',
    tokenLifeMs: 600_000,
    signingKeys: new Secret(ring),
  });
const tokensOf = (ring: string) =>
  new AccessTokens(new SigningKeys(settingsOf(ring)), settingsOf(ring), clock);
const keyOf = (ring: string) => new SigningKeys(settingsOf(ring)).newest;

const grant = {
  userId: randomUUID(),
  tenantId: randomUUID(),
  role: 'owner' as const,
  scopes: ['billing:read', 'billing:write'],
  sessionId: randomUUID(),
  epoch: 3,
};
const tokens = tokensOf(OLD);

interface Forgery {
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly key?: KeyObject;
}
/** A token as ours, signed by our own key, but for what is said here. */
function forge({ header = {}, claims = {}, key = keyOf(OLD).privateKey }: Forgery): Promise<string> {
  const payload = {
    sub: grant.userId,
    tenant: grant.tenantId,
    role: 'owner',
    scope: '',
    sid: grant.sessionId,
    ep: 3,
    iss: 'https://issuer.example',
    aud: 'api',
    jti: randomUUID(),
    iat: nowSeconds(),
    exp: nowSeconds() + 600,
  };
  return new SignJWT({ ...payload, ...claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: keyOf(OLD).kid, ...header })
    .sign(key);
}
const reasonOf = (token: string, by = tokens) =>
  by.verify(token).then(
    () => 'accepted',
    (error: unknown) => (error instanceof InvalidTokenError ? error.reason : `failed: ${String(error)}`),
  );
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('An access token', () => {
  it('says what it was issued for', async () => {
    const { token, expiresInSeconds } = await tokens.issue(grant);
    const { jti, expiresAtMs, ...said } = await tokens.verify(token);
    expect(said).toEqual(grant);
    expect(jti).toMatch(/^[0-9a-f-]{36}$/);
    expect(expiresAtMs).toBe((nowSeconds() + expiresInSeconds) * 1000);
  });

  it('lives ten minutes less up to five per cent, not all equally long', async () => {
    const issued = await Promise.all(Array.from({ length: 50 }, () => tokens.issue(grant)));
    const lives = issued.map(({ expiresInSeconds }) => expiresInSeconds);
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(570);
    expect(Math.max(...lives)).toBeLessThanOrEqual(600);
    expect(new Set(lives).size).toBeGreaterThan(1);
  });

  it('ends, whether it was seen before or not', async () => {
    const [seen, unseen] = [await tokens.issue(grant), await tokens.issue(grant)];
    expect(await reasonOf(seen.token)).toBe('accepted');
    clock.advance(606_000);
    expect(await reasonOf(seen.token)).toBe('expired');
    expect(await reasonOf(unseen.token)).toBe('expired');
  });

  it.each([
    ['an id that is no UUID', { userId: 'a}b' }],
    ['a session that is no UUID', { sessionId: '' }],
    ['a scope with a space', { scopes: ['a b'] }],
    ['an epoch below 1', { epoch: 0 }],
    ['a generation below 1', { generation: 0 }],
  ])('is not issued for %s', async (_, part) => {
    await expect(tokens.issue({ ...grant, ...part })).rejects.toThrow(TypeError);
  });
});

describe('A ring of two keys', () => {
  it('signs with the first and verifies by both', async () => {
    const { token: old } = await tokensOf(OLD).issue(grant);
    const { token: young } = await tokensOf(`${NEW},${OLD}`).issue(grant);
    expect(await reasonOf(old, tokensOf(`${NEW},${OLD}`))).toBe('accepted');
    expect(await reasonOf(young, tokensOf(`${OLD},${NEW}`))).toBe('accepted');
    expect(await reasonOf(young, tokensOf(OLD))).toBe('foreign');
    expect(await reasonOf(old, tokensOf(NEW))).toBe('foreign');
  });
});

describe('A token that is not to the letter ours', () => {
  it('is taken when nothing was changed: what the cases below are compared with', async () => {
    expect(await reasonOf(await forge({}))).toBe('accepted');
  });

  const stranger = generateKeyPairSync('ed25519');
  it.each<[string, () => Promise<Forgery> | Forgery]>([
    ['another type', () => ({ header: { typ: 'JWT' } })],
    ['the long form of the type', () => ({ header: { typ: 'application/at+jwt' } })],
    ['no type', () => ({ header: { typ: undefined } })],
    ['the newer name of the algorithm', () => ({ header: { alg: 'Ed25519' } })],
    ['no kid', () => ({ header: { kid: undefined } })],
    ['a kid of another ring', () => ({ header: { kid: keyOf(NEW).kid }, key: keyOf(NEW).privateKey })],
    ['our kid and the key of a stranger', () => ({ key: stranger.privateKey })],
    ['a kid from the prototype', () => ({ header: { kid: '__proto__' } })],
    ['a kid that names a file', () => ({ header: { kid: '../../dev/null' } })],
    [
      'a key of its own',
      async () => ({ header: { jwk: await exportJWK(stranger.publicKey) }, key: stranger.privateKey }),
    ],
    [
      'a key elsewhere',
      () => ({ header: { jku: 'https://evil.example/jwks.json' }, key: stranger.privateKey }),
    ],
    ['a member that we do not set', () => ({ header: { cty: 'JWT' } })],
    ['another issuer', () => ({ claims: { iss: 'https://evil.example' } })],
    ['no issuer', () => ({ claims: { iss: undefined } })],
    ['another audience', () => ({ claims: { aud: 'other' } })],
    ['no audience', () => ({ claims: { aud: undefined } })],
    ['no end', () => ({ claims: { exp: undefined } })],
    ['no beginning', () => ({ claims: { iat: undefined } })],
    ['a beginning in the future', () => ({ claims: { nbf: nowSeconds() + 60 } })],
    ['an end that is a text', () => ({ claims: { exp: 'never' } })],
    ['an endless life', () => ({ claims: { exp: 1e308 } })],
    ['a user that is no UUID', () => ({ claims: { sub: '{x}:*' } })],
    ['no session', () => ({ claims: { sid: undefined } })],
    ['an epoch that is a text', () => ({ claims: { ep: '3' } })],
    ['a generation that is a text', () => ({ claims: { rg: '3' } })],
    ['scopes that are a list', () => ({ claims: { scope: ['admin'] } })],
    ['a role that is an object', () => ({ claims: { role: {} } })],
  ])('with %s is refused', async (_, forgery) => {
    expect(await reasonOf(await forge(await forgery()))).toMatch(/^(foreign|malformed)$/);
  });

  it('without a signature is refused', async () => {
    const unsecured = new UnsecuredJWT({ sub: grant.userId }).encode();
    expect(await reasonOf(unsecured)).toBe('foreign');
    const [, payload = ''] = (await forge({})).split('.');
    for (const alg of ['none', 'None', 'nOnE', ''])
      expect(await reasonOf(`${encode({ alg, typ: 'at+jwt', kid: keyOf(OLD).kid })}.${payload}.`)).toBe(
        alg === '' ? 'malformed' : 'foreign',
      );
  });

  it('signed by our public key as if it were a shared secret is refused', async () => {
    const [, payload = ''] = (await forge({})).split('.');
    const { kid, publicKey, jwk } = keyOf(OLD);
    const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}`;
    for (const secret of [
      jwk.x,
      Buffer.from(jwk.x, 'base64url'),
      publicKey.export({ type: 'spki', format: 'pem' }),
    ]) {
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      expect(await reasonOf(`${input}.${mac}`)).toBe('foreign');
    }
  });

  it('with a critical extension is refused, known to the library or not', async () => {
    const [, payload = '', signature = ''] = (await forge({})).split('.');
    const ours = { alg: 'EdDSA', typ: 'at+jwt', kid: keyOf(OLD).kid };
    for (const more of [
      { crit: ['b64'], b64: true },
      { crit: ['b64'], b64: false },
      { crit: ['x'], x: 1 },
      { crit: [] },
    ])
      expect(await reasonOf(`${encode({ ...ours, ...more })}.${payload}.${signature}`)).toMatch(
        /^(foreign|malformed)$/,
      );
  });

  it('of which any one letter was changed is refused', async () => {
    const token = await forge({});
    // The last letter of each part may carry bits that stand for nothing.
    const ends = new Set([...token.matchAll(/[\w-](?=\.|$)/g)].map(({ index }) => index));
    for (let at = 0; at < token.length; at += 7) {
      if (token[at] === '.' || ends.has(at)) continue;
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      expect([at, await reasonOf(changed)]).not.toEqual([at, 'accepted']);
    }
  });

  it('of any length but its own is refused', async () => {
    const token = await forge({});
    for (const text of [
      token.slice(0, -1),
      token.slice(1),
      `${token}A`,
      `${token}.`,
      token.slice(0, 300),
      '',
      '.',
      '..',
    ])
      expect(await reasonOf(text)).toMatch(/^(foreign|malformed)$/);
    expect(await reasonOf(`${'A'.repeat(1_000_000)}.A.A`)).toBe('malformed');
  });
});
