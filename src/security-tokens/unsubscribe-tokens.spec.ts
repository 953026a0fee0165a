import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { SecurityTokenPeppers } from './security-tokens.config.js';
import { UnsubscribeTokens } from './unsubscribe-tokens.js';

const tokensOf = (ring: string) =>
  new UnsubscribeTokens(Object.assign(new SecurityTokenPeppers(), { unsubscribe: new Secret(ring) }));

describe('UnsubscribeTokens', () => {
  const tokens = tokensOf('first'.padEnd(32, '.'));
  const token = tokens.token('sub-1', 3);

  it('say which subscription they are for, always the same text, however often they are read', () => {
    expect(tokens.token('sub-1', 3)).toBe(token);
    for (let times = 0; times < 3; times += 1)
      expect(tokens.read(token)).toEqual({ subscriptionId: 'sub-1', epoch: 3 });
  });

  it('fit into a URL as they are', () => {
    expect(encodeURIComponent(tokens.token('ä/?#&\0', 0))).toBe(tokens.token('ä/?#&\0', 0));
  });

  it.each(['__proto__', '\0', 'ä', 'a.b~1', 'x'.repeat(128), '🎫'])('name the subscription %j', (id) => {
    expect(tokens.read(tokens.token(id, 0))).toEqual({ subscriptionId: id, epoch: 0 });
  });

  it('hold while their pepper is in the ring', () => {
    const [old, fresh] = ['first'.padEnd(32, '.'), 'second'.padEnd(32, '.')];
    expect(tokensOf(`${fresh},${old}`).read(token)).toEqual({ subscriptionId: 'sub-1', epoch: 3 });
    expect(tokensOf(fresh).read(token)).toBeUndefined();
  });

  it.each([
    undefined,
    null,
    '',
    7,
    {},
    [token],
    'un',
    'un..',
    token.slice(0, -1),
    `${token}A`,
    `${token}\n`,
    token.replace('un.', 'ev.'),
    token.replace('~3', '~4'),
    token.replace('~3', '~03'),
    token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A'),
    token.toUpperCase(),
    `un.${'x'.repeat(1_000_000)}`,
  ])('%j is none', (text) => {
    expect(tokens.read(text)).toBeUndefined();
  });

  it.each([
    ['', 0],
    ['x'.repeat(129), 0],
    ['\ud800', 0],
    ['sub', -1],
    ['sub', 0.5],
    ['sub', NaN],
    ['sub', 2 ** 53],
  ])('are not made for %j in epoch %d', (id, epoch) => {
    expect(() => tokens.token(id, epoch)).toThrow(RangeError);
  });
});
