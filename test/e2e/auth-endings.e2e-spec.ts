import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Caller, textOf } from './auth/caller.js';
import { AuthHouse, type Instance, PUBLIC_URL } from './auth/house.js';
import { Person, loginOf } from './auth/person.js';

const REUSED = 'One of your sessions was ended';
const NEW_PASSWORD = 'harbour violin moss';

describeReal('A thief who is one exchange behind', () => {
  let house: AuthHouse;
  let second: Instance;
  beforeAll(async () => {
    house = await AuthHouse.open({ env: { AUTH_REFRESH_GRACE_MS: '0' } });
    second = await house.start();
  });
  afterAll(() => house.close());

  const familyOf = (refresh: string) => `auth:{rf:${refresh.split('.')[1] ?? ''}}`;
  const confirmed = async (refresh: string) =>
    (await house.redis('AUTH_CACHE').admin().hget(familyOf(refresh), 'confirmed')) === '1';
  const arrived = (refresh: string) => waitFor(() => confirmed(refresh), { what: 'the arrival of a token' });
  /** The first token of a login, whose successor was used. */
  const caught = async (person: Person) => {
    const { refresh } = await person.login();
    const next = loginOf(await person.refresh(refresh));
    loginOf(await person.refresh(next.refresh));
    return refresh;
  };
  /** Security events and mails. */
  const heard = async (person: Person) => {
    const events = await house.first.eventsOf(person.userId);
    const mails = await house.mailsTo(person.email);
    return [
      events.filter((kind) => kind === 'refresh-reuse').length,
      mails.filter(({ subject }) => subject === REUSED).length,
    ];
  };
  const me = (access: string) => new Caller(second).get('/v1/auth/me', access);

  it('is found as soon as the owner has used the access token that came with the successor', async () => {
    const person = await Person.verified(house);
    const stolen = (await person.login()).refresh;
    const next = loginOf(await person.refresh(stolen));
    // Another instance than the one that exchanged it.
    expect((await me(next.access)).status).toBe(200);
    await arrived(stolen);
    const caught = await new Caller(house.first).post('/v1/auth/refresh', { refresh_token: stolen });
    expect([caught.status, caught.problem]).toEqual([401, 'token-reuse']);
    expect((await me(next.access)).status).toBe(401);
    expect(await house.first.eventsOf(person.userId)).toContain('refresh-reuse');
  });

  it('is told of to the owner once, though many of the thief come at once', async () => {
    const person = await Person.verified(house);
    const stolen = await caught(person);
    const answers = await Promise.all(Array.from({ length: 20 }, () => person.refresh(stolen)));
    expect(new Set(answers.map(({ problem }) => problem))).toEqual(new Set(['token-reuse']));
    await house.mail(person.email, REUSED);
    expect(await heard(person)).toEqual([1, 1]);
  });

  it('is told of to the owner later where that failed at first', async () => {
    const person = await Person.verified(house);
    const stolen = await caught(person);
    const db = house.first.app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    await db.run((sql) => sql.execute('alter table security_events rename to security_events_away'));
    expect((await person.refresh(stolen)).problem).toBe('token-reuse');
    await db.run((sql) => sql.execute('alter table security_events_away rename to security_events'));
    expect(await heard(person)).toEqual([0, 0]);
    expect((await person.refresh(stolen)).problem).toBe('token-reuse');
    await house.mail(person.email, REUSED);
    // As if Redis had lost the note that the owner knows.
    await house.redis('AUTH_CACHE').admin().hdel(familyOf(stolen), 'told');
    expect((await person.refresh(stolen)).problem).toBe('token-reuse');
    expect(await heard(person)).toEqual([1, 1]);
  });

  it('is found as well where the owner went on in another tenant', async () => {
    const person = await Person.verified(house);
    const { refresh: stolen, tenantId } = await person.login();
    const next = loginOf(await person.refresh(stolen));
    const switched = await person.post('/v1/auth/tenant', { tenant_id: tenantId }, next.access);
    await arrived(stolen);
    // As if the server had lost the note: the token of the other tenant says it again, to an instance that has not heard it.
    await house.redis('AUTH_CACHE').admin().hset(familyOf(stolen), 'confirmed', '0');
    expect((await me(textOf(switched, 'access_token'))).status).toBe(200);
    await arrived(stolen);
    expect((await person.refresh(stolen)).problem).toBe('token-reuse');
  });

  it('is not taken for the owner whose answer was lost, and who goes on with the tokens from before', async () => {
    const person = await Person.verified(house);
    const first = await person.login();
    const lost = loginOf(await person.refresh(first.refresh));
    expect((await me(first.access)).status).toBe(200);
    const again = loginOf(await person.refresh(first.refresh));
    expect(again.refresh).toBe(lost.refresh);
    expect(await confirmed(first.refresh)).toBe(false);
    const third = loginOf(await person.refresh(again.refresh));
    // Tokens of an exchange that is over say nothing about the last one.
    expect((await me(again.access)).status).toBe(200);
    expect(loginOf(await person.refresh(again.refresh)).refresh).toBe(third.refresh);
  });
});

describeReal('A logout without an access token', () => {
  let house: AuthHouse;
  let second: Instance;
  beforeAll(async () => {
    house = await AuthHouse.open({ separate: true });
    second = await house.start();
  });
  afterAll(() => house.close());

  const alive = async (access: string) =>
    (await new Caller(second).get('/v1/auth/me', access)).status === 200;
  const logout = (person: Person, refresh_token: string) => person.post('/v1/auth/logout', { refresh_token });

  it('ends the session at once, on every instance, and no other one', async () => {
    const person = await Person.verified(house);
    const [one, other] = [await person.login(), await person.login()];
    expect(await alive(one.access)).toBe(true);
    expect((await logout(person, one.refresh)).status).toBe(204);
    expect([await alive(one.access), await alive(other.access)]).toEqual([false, true]);
    const sessions = (await person.get('/v1/auth/sessions', other.access)).body.sessions as { id: string }[];
    expect(sessions.map(({ id }) => id)).not.toContain(one.sessionId);
    expect(house.events('logout').at(-1)).toMatchObject({
      result: 'ok',
      user_id: person.userId,
      session_id: one.sessionId,
    });
  });

  it('answers the same a second time, for tokens of others and for texts that are none', async () => {
    const person = await Person.verified(house);
    const { refresh } = await person.login();
    const answers = [];
    for (const token of [refresh, refresh, `${refresh}x`, 'none of ours', ''])
      answers.push(await logout(person, token));
    expect(answers.map(({ status, body }) => [status, body])).toEqual(Array(5).fill([204, {}]));
  });

  it('ends the session by a token that was exchanged meanwhile, and by the cookie', async () => {
    const person = await Person.verified(house);
    const first = await person.login();
    const next = loginOf(await person.refresh(first.refresh));
    expect((await logout(person, first.refresh)).status).toBe(204);
    expect(await alive(next.access)).toBe(false);
    expect((await person.refresh(next.refresh)).status).toBe(401);

    const browser = await person.attempt({ cookie: true });
    const [cookie = ''] = browser.headers.getSetCookie();
    const headers = { cookie: cookie.split(';')[0] ?? '', origin: PUBLIC_URL };
    const answer = await person.call('/v1/auth/logout', { headers, body: {} });
    expect([answer.status, answer.headers.getSetCookie().length]).toEqual([204, 1]);
    expect(await alive(textOf(browser, 'access_token'))).toBe(false);
  });

  it('ends the session by the refresh token beside an access token that does not hold any more', async () => {
    const person = await Person.verified(house);
    const [one, other] = [await person.login(), await person.login()];
    const over = `${one.access}x`;
    expect((await person.post('/v1/auth/logout', { refresh_token: one.refresh }, over)).status).toBe(204);
    expect(await alive(one.access)).toBe(false);
    // Without anything that holds there is nothing to end, and whoever asks is told so.
    expect((await person.post('/v1/auth/logout', {}, over)).status).toBe(401);

    const browser = await person.attempt({ cookie: true });
    const [cookie = ''] = browser.headers.getSetCookie();
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    const byCookie = (origin: string) =>
      person.call('/v1/auth/logout', { headers: { ...headers, origin }, body: {}, token: over });
    expect((await byCookie('https://elsewhere.example')).status).toBe(403);
    expect(await alive(textOf(browser, 'access_token'))).toBe(true);
    expect((await byCookie(PUBLIC_URL)).status).toBe(204);
    expect([await alive(textOf(browser, 'access_token')), await alive(other.access)]).toEqual([false, true]);
  });

  it('can be asked for again where authCache was away in the middle', async () => {
    const person = await Person.verified(house);
    const { refresh, access } = await person.login();
    await house.redis('AUTH_CACHE').freeze();
    expect((await logout(person, refresh)).status).toBe(503);
    house.redis('AUTH_CACHE').thaw();
    await waitFor(async () => (await logout(person, refresh)).status === 204, { what: 'a logout' });
    expect(await alive(access)).toBe(false);
  });

  it('forgets known devices with a reset, though authCache was away for it', async () => {
    const person = await Person.verified(house);
    const { deviceToken } = await person.login();
    const known = async () => {
      const answer = await person.attempt({ device_token: deviceToken });
      return textOf(answer, 'device_token') === deviceToken;
    };
    expect(await known()).toBe(true);
    const token = await person.resetToken();
    const redis = house.redis('AUTH_CACHE');
    await redis.freeze();
    const reset = await person.post('/v1/auth/password/confirm', { token, new_password: NEW_PASSWORD });
    expect(reset.status).toBe(204);
    redis.thaw();
    person.password = NEW_PASSWORD;
    await waitFor(async () => (await person.attempt()).status === 200, { what: 'a login after the outage' });
    expect(await redis.admin().zcard(`auth:{${person.userId}}:dv`)).toBeGreaterThan(0);
    expect(await known()).toBe(false);
  });

  it('writes a line about attempts that were too many, and about those on a locked account', async () => {
    const person = await Person.verified(house);
    const known = { user_id: person.userId };
    const lines = () => house.events('login').filter(({ user_id }) => user_id === person.userId);
    const statuses: number[] = [];
    for (let at = 0; at < 20; at += 1) statuses.push((await person.attempt({ password: 'wrong' })).status);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    const reasons = lines().map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === 'locked').length).toBeGreaterThan(0);
    expect(reasons.filter((reason) => reason === 'throttled')).toHaveLength(
      statuses.filter((status) => status === 429).length,
    );
    expect(lines().at(-1)).toMatchObject({ ...known, result: 'refused', reason: 'throttled' });
    expect(JSON.stringify(lines())).not.toContain(person.email);
    expect(JSON.stringify(lines())).not.toContain(person.address);
  });
});
