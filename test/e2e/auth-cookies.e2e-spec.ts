import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { type Answer } from './auth/caller.js';
import { AuthHouse, PUBLIC_URL } from './auth/house.js';
import { Person } from './auth/person.js';

const cookieOf = (answer: Answer): string => answer.headers.getSetCookie().join('\n');
const pairOf = (answer: Answer): string => cookieOf(answer).split(';')[0] ?? '';
const CLEARED = /^__Secure-rt=; Max-Age=0;/;

describeReal('Refresh tokens in a cookie', () => {
  let house: AuthHouse;
  beforeAll(async () => {
    house = await AuthHouse.open({ separate: true, env: { AUTH_REFRESH_GRACE_MS: '0' } });
  });
  afterAll(() => house.close());

  const withCookie = (person: Person, cookie: string, origin: string | undefined = PUBLIC_URL) => ({
    refresh: (body: unknown = {}) =>
      person.call('/v1/auth/refresh', {
        body,
        headers: { cookie, ...(origin === '' ? {} : { origin }) },
      }),
    logout: () =>
      person.call('/v1/auth/logout', { headers: { cookie, ...(origin === '' ? {} : { origin }) } }),
  });

  it('are read by no script, sent to the auth routes only, and not in the body', async () => {
    const person = await Person.verified(house);
    const login = await person.attempt({ cookie: true });
    expect(login.status).toBe(200);
    expect(login.body).not.toHaveProperty('refresh_token');
    const attributes = cookieOf(login).split('; ').slice(1).toSorted();
    expect(cookieOf(login)).toMatch(/^__Secure-rt=rt1\./);
    expect(attributes).toEqual([
      'HttpOnly',
      expect.stringMatching(/^Max-Age=\d{6,}$/),
      'Path=/v1/auth',
      'SameSite=Strict',
      'Secure',
    ]);
    const refreshed = await withCookie(person, pairOf(login)).refresh();
    expect(refreshed.status).toBe(200);
    expect(refreshed.body).not.toHaveProperty('refresh_token');
    expect(pairOf(refreshed)).toMatch(/^__Secure-rt=rt1\./);
    expect(pairOf(refreshed)).not.toBe(pairOf(login));
    // A token in the body is answered in the body.
    const { refresh } = await person.login();
    const plain = await person.refresh(refresh);
    expect([plain.status, cookieOf(plain)]).toEqual([200, '']);
  });

  it('count for nothing from another site, and stay', async () => {
    const person = await Person.verified(house);
    const cookie = pairOf(await person.attempt({ cookie: true }));
    for (const origin of [
      'https://evil.example',
      `${PUBLIC_URL}.evil.example`,
      `${PUBLIC_URL}:444`,
      'null',
      '',
    ]) {
      const refused = await withCookie(person, cookie, origin).refresh();
      expect([origin, refused.status, cookieOf(refused)]).toEqual([origin, 403, '']);
      const logout = await withCookie(person, cookie, origin).logout();
      expect([origin, logout.status, cookieOf(logout)]).toEqual([origin, 403, '']);
    }
    expect((await withCookie(person, cookie).refresh()).status).toBe(200);
  });

  it('go when they are worth nothing any more', async () => {
    const person = await Person.verified(house);
    const first = pairOf(await person.attempt({ cookie: true }));
    const second = pairOf(await withCookie(person, first).refresh());
    const logout = await withCookie(person, second).logout();
    expect(logout.status).toBe(204);
    expect(cookieOf(logout)).toMatch(CLEARED);
    const late = await withCookie(person, second).refresh();
    expect(late).toMatchObject({ status: 401, problem: 'invalid-token' });
    expect(cookieOf(late)).toMatch(CLEARED);
    const none = await person.call('/v1/auth/refresh', { body: {}, headers: { origin: PUBLIC_URL } });
    expect(none.status).toBe(401);
  });

  it('go after a theft as well', async () => {
    const person = await Person.verified(house);
    const first = pairOf(await person.attempt({ cookie: true }));
    const second = pairOf(await withCookie(person, first).refresh());
    await withCookie(person, second).refresh();
    const theft = await withCookie(person, first).refresh();
    expect(theft).toMatchObject({ status: 401, problem: 'token-reuse' });
    expect(cookieOf(theft)).toMatch(CLEARED);
  });

  it('are not believed when there are two', async () => {
    const person = await Person.verified(house);
    const cookie = pairOf(await person.attempt({ cookie: true }));
    const doubled = await withCookie(person, `__Secure-rt=other; ${cookie}`).refresh();
    expect(doubled.status).toBe(401);
    expect((await withCookie(person, cookie).refresh()).status).toBe(200);
  });

  it('stay while nobody can tell what they are worth', async () => {
    const person = await Person.verified(house);
    const cookie = pairOf(await person.attempt({ cookie: true }));
    const server = house.redis('AUTH_CACHE');
    await server.kill9();
    for (const ask of [withCookie(person, cookie).refresh, withCookie(person, cookie).logout]) {
      const answer = await ask();
      expect([answer.status, cookieOf(answer)]).toEqual([503, '']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });
});
