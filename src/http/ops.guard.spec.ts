import { describe, expect, it } from 'vitest';
import { type Profile, Settings } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { HttpSettings } from './http.config.js';
import { OpsAccess } from './ops.guard.js';

const TOKEN = 'ops-token-of-at-least-thirty-two-characters';

function access(profile: Profile, token?: string): OpsAccess {
  const http = Object.assign(new HttpSettings(), token ? { opsToken: new Secret(token) } : {});
  return new OpsAccess(http, new Settings(profile));
}
type Request = Parameters<OpsAccess['allows']>[0];
/** What a request has when its lines are these. */
const asking = (...authorization: string[]): Request => {
  const [first] = authorization;
  const rawHeaders = authorization.flatMap((value) => ['Authorization', value]);
  const headers = first === undefined ? {} : { authorization: first };
  return { headers, raw: { rawHeaders } } as unknown as Request;
};

describe('access for operators', () => {
  it('is open in demo and development until a token is set', () => {
    expect(access('demo').allows(asking())).toBe(true);
    expect(access('development').allows(asking())).toBe(true);
    expect(access('development', TOKEN).allows(asking())).toBe(false);
  });

  it('is closed elsewhere, without a token for everybody', () => {
    expect(access('production', TOKEN).allows(asking())).toBe(false);
    expect(access('test').allows(asking('Bearer undefined'))).toBe(false);
  });

  it('takes exactly the token as a bearer', () => {
    const production = access('production', TOKEN);
    expect(production.allows(asking(`Bearer ${TOKEN}`))).toBe(true);
    expect(production.allows(asking(`bearer ${TOKEN}`))).toBe(true);
    expect(production.allows(asking(`Bearer ${TOKEN}x`))).toBe(false);
    expect(production.allows(asking(`Basic ${TOKEN}`))).toBe(false);
    expect(production.allows(asking(TOKEN))).toBe(false);
    expect(production.allows(asking(`Bearer ${TOKEN}`, 'Bearer x'))).toBe(false);
  });
});
