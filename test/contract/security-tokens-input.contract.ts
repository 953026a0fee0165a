import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { StaleRequestError } from '../../src/security-tokens/index.js';
import type { NonceStore } from '../../src/security-tokens/nonce-store.js';
import type { OneTimeTokens, TokenOrder } from '../../src/security-tokens/one-time-tokens.js';
import type { Compartments } from '../support/compartments.js';
import {
  type TokenRedis,
  counted,
  held,
  noncesOn,
  openPurpose,
  outcomeOf,
  passTime,
  tokensOn,
} from './security-tokens.rig.js';
import { withEngine } from './support/engine.js';

/** Whatever may stand where a text is expected. */
const HOSTILE: Readonly<Record<string, unknown>> = {
  'nothing sent': undefined,
  null: null,
  'an empty text': '',
  'a blank': ' ',
  'a megabyte': 'x'.repeat(1_048_576),
  NUL: '\0',
  'a lone surrogate': '\ud800',
  'a list': ['x'],
  'a list that looks like a text': [''],
  'an object': {},
  'an object with a text of its own': { toString: () => 'x' },
  'a number': 7,
  true: true,
  __proto__: '__proto__',
  constructor: 'constructor',
  'a star': '*',
  'a line break': 'x\r\nFLUSHALL\r\n',
  'a closing brace': '}{',
  'an emoji': '🎫',
};

withEngine('Security tokens and what strangers send', (engine) => {
  let compartments: Compartments;
  let redis: TokenRedis;
  let tokens: OneTimeTokens;
  let nonces: NonceStore;
  let outcomes: (outcome: string) => Promise<number>;

  beforeAll(async () => {
    compartments = await openPurpose(engine.port);
    redis = compartments.client('securityTokens');
  });
  beforeEach(() => {
    const { metrics, ...rig } = tokensOn(redis);
    ({ tokens } = rig);
    ({ nonces } = noncesOn(redis));
    outcomes = (outcome) => counted(metrics.securityTokenOperations, { outcome });
  });
  afterAll(() => compartments.close());

  const reset = async (subject = 'u1') => (await tokens.issue('passwordReset', { subject })).token;

  /** What a token brings about: how its claim ends, how often Redis was not asked, and whether it holds what it held. */
  async function attempt(token: unknown) {
    const texts = async () => (await held(engine.redis)).map(({ text }) => text).join();
    const before = await texts();
    const outcome = await outcomeOf(tokens.claim('passwordReset', token));
    return { outcome, unasked: await outcomes('forged'), changed: (await texts()) !== before };
  }
  const FORGED = { outcome: 'invalid-or-expired-token', unasked: 1, changed: false };

  it.each(Object.entries(HOSTILE))('%s is no token', async (_, token) => {
    await reset();
    expect(await attempt(token)).toEqual(FORGED);
  });

  /** What can be done to a token by whoever has one. */
  const DAMAGE: Readonly<Record<string, (token: string, other: string) => string>> = {
    'cut at the end': (token) => token.slice(0, -1),
    'cut at the beginning': (token) => token.slice(1),
    'with a character more': (token) => `${token}A`,
    'with a line break': (token) => `${token}\n`,
    'with blanks around it': (token) => ` ${token} `,
    'in capitals': (token) => token.toUpperCase(),
    'with another last character': (token) => token.slice(0, -1) + nextLetter(token.at(-1) ?? ''),
    'with another random part': (token) =>
      token.replace(/\.(.{30})(.)/, (_, a, b: string) => `.${a}${nextLetter(b)}`),
    'with the mac of another': (token, other) =>
      token.replace(/[^.]+$/, other.slice(other.lastIndexOf('.') + 1)),
    'with the subject of another': (token, other) => token.replace(/\..{22}/, other.slice(2, 25)),
    'without its mac': (token) => token.slice(0, token.lastIndexOf('.') + 1),
    twice: (token) => `${token},${token}`,
    'in the spelling of base64': (token) => `${token}=`,
    'in another Unicode form': (token) => token.replace('.', '\u2024'),
  };

  it.each(Object.entries(DAMAGE))(
    'a token %s is none, and the token itself still works',
    async (_, damage) => {
      const [token, other] = [await reset(), await reset('u2')];
      expect(damage(token, other)).not.toBe(token);
      expect(await attempt(damage(token, other))).toEqual(FORGED);
      await tokens.use('passwordReset', token, async () => undefined);
    },
  );

  it.each(Object.entries(HOSTILE))('%s is what no token is bound to', async (name, text) => {
    const { token } = await tokens.issue('emailVerification', { subject: 'u1', binding: 'a@b.example' });
    const claim = await tokens.claim('emailVerification', token);
    expect(claim.matchesBinding(text as string)).toBe(false);
    expect(name).not.toBe('');
  });

  it('a binding has one spelling', async () => {
    const { token } = await tokens.issue('emailVerification', { subject: 'u1', binding: 'é@b.example' });
    const claim = await tokens.claim('emailVerification', token);
    expect(claim.matchesBinding('é@b.example'.normalize('NFC'))).toBe(true);
    expect(claim.matchesBinding('é@b.example'.normalize('NFD'))).toBe(false);
  });

  it('texts that have no digest of their own are refused where a token is issued', async () => {
    const issue = (order: object) =>
      tokens.issue('passwordReset', order as TokenOrder).catch((error: unknown) => error);
    for (const text of ['', '\ud800', 'x'.repeat(1025), null, ['x'], {}, 7]) {
      expect(await issue({ subject: text })).toBeInstanceOf(RangeError);
      expect(await issue({ subject: 'u1', binding: text })).toBeInstanceOf(RangeError);
    }
    expect(await held(engine.redis)).toEqual([]);
  });

  it('subjects and data may be anything else', async () => {
    for (const text of ['__proto__', '\0', '*', '}{', 'a b\r\nc', '🎫', 'x'.repeat(1024)]) {
      const data = Object.fromEntries([[text, text]]);
      const { token } = await tokens.issue('invitation', { subject: text, binding: text, data });
      const claim = await tokens.claim('invitation', token);
      expect([claim.subject, Object.entries(claim.data)]).toEqual([text, [[text, text]]]);
      expect(claim.matchesBinding(text)).toBe(true);
    }
  });

  it.each(Object.entries(HOSTILE))('%s as a nonce is let in once at most', async (_, nonce) => {
    await nonces.prepare('key');
    await passTime(engine.redis, 60_000);
    const window = { issuedAtMs: Date.now(), expiresAtMs: Date.now() + 60_000 };
    const use = () => nonces.use('key', nonce as string, window);
    expect(['ok', 'replayed-nonce']).toContain(await outcomeOf(use()));
    expect(await outcomeOf(use())).toBe('replayed-nonce');
  });

  it('windows that are no windows are stale', async () => {
    const nowMs = Date.now();
    const pairs: readonly (readonly [unknown, unknown])[] = [
      [NaN, nowMs],
      [nowMs, NaN],
      [nowMs, Infinity],
      [-Infinity, nowMs + 1000],
      [nowMs + 0.5, nowMs + 1000],
      [nowMs + 1000, nowMs],
      [nowMs, nowMs + 25 * 3_600_000],
      ['1', '2'],
      [undefined, undefined],
    ];
    for (const [issuedAtMs, expiresAtMs] of pairs) {
      const window = { issuedAtMs, expiresAtMs } as { issuedAtMs: number; expiresAtMs: number };
      await expect(nonces.use('key', 'n', window)).rejects.toBeInstanceOf(StaleRequestError);
    }
    expect(await held(engine.redis)).toEqual([]);
  });
});

/** Another letter of the alphabet of tokens; of a last character, one that differs in bits that decoding ignores. */
function nextLetter(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return letters[(letters.indexOf(letter) + 1) % letters.length] ?? 'A';
}
