import { describe, expect, it } from 'vitest';
import { AHEAD_MS, OLDEST_MS, judgeClaims, judgeWindow } from './judge-claims.js';
import { TOKEN_PATH, claimsFor } from './signed-request.js';

const NOW_MS = 1_800_000_000_000;
const wish = {
  account: 'harvester',
  tenant_id: '00000000-0000-4000-8000-000000000000',
  scopes: ['a', 'b'],
  lifetime_minutes: 5,
};
const body = JSON.stringify(wish);
const line = { method: 'POST', path: TOKEN_PATH, body };
const signedAt = (nowMs: number, lifeMs = 300_000) => claimsFor(wish, line, { nowMs, lifeMs, nonce: 'n' });
const arrived = { method: 'POST', path: TOKEN_PATH, rawBody: Buffer.from(body), wish };

describe('judgeWindow', () => {
  it.each([
    ['signed now', 0, 300_000],
    ['as far ahead as clocks may be off', AHEAD_MS, 300_000],
    ['as old as may be', -OLDEST_MS, OLDEST_MS],
    ['in its last moment', -1000, 1000],
  ])('takes what was %s', (_, offsetMs, lifeMs) => {
    const issuedAtMs = NOW_MS + offsetMs;
    expect(judgeWindow(signedAt(issuedAtMs, lifeMs), NOW_MS)).toEqual({
      issuedAtMs,
      expiresAtMs: issuedAtMs + lifeMs,
    });
  });

  it.each([
    ['a millisecond too far ahead', AHEAD_MS + 1, 300_000],
    ['a millisecond too old', -OLDEST_MS - 1, OLDEST_MS],
    ['expired a millisecond ago', -1001, 1000],
    ['signed for a millisecond too long', 0, OLDEST_MS + 1],
    ['signed for no time', 0, 0],
  ])('refuses what is %s', (_, offsetMs, lifeMs) => {
    expect(() => judgeWindow(signedAt(NOW_MS + offsetMs, lifeMs), NOW_MS)).toThrow('Check the clock');
  });
});

describe('judgeClaims', () => {
  it('takes the request that was signed', () => {
    expect(() => judgeClaims(signedAt(NOW_MS), arrived)).not.toThrow();
  });

  it.each([
    ['method', { method: 'PUT' }],
    ['path', { path: `${TOKEN_PATH}?x` }],
    ['body', { rawBody: Buffer.from(`${body}\n`) }],
    ['scopes', { wish: { ...wish, scopes: ['b', 'a'] } }],
    ['account', { wish: { ...wish, account: 'reaper' } }],
  ])('refuses another %s', (_, changed) => {
    expect(() => judgeClaims(signedAt(NOW_MS), { ...arrived, ...changed })).toThrow('Sign exactly');
  });
});
