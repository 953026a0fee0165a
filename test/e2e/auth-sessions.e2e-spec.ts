import { afterAll, beforeAll, expect, it } from 'vitest';
import { Users } from '../../src/identity/index.js';
import { describeReal } from '../support/redis-availability.js';
import { Caller, textOf } from './auth/caller.js';
import { AuthHouse, OPS_TOKEN, type Instance } from './auth/house.js';
import { Person, loginOf } from './auth/person.js';

const times = <T>(number: number, ask: () => Promise<T>) => Promise.all(Array.from({ length: number }, ask));

describeReal('Tokens used many times at once', () => {
  let house: AuthHouse;
  beforeAll(async () => {
    house = await AuthHouse.open();
  });
  afterAll(() => house.close());

  it('gives fifty parallel refreshes of one token one successor', async () => {
    const person = await Person.verified(house);
    const { refresh } = await person.login();
    const answers = await times(50, () => person.refresh(refresh));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const successors = new Set(answers.map((answer) => textOf(answer, 'refresh_token')));
    expect(successors.size).toBe(1);
    expect((await person.refresh([...successors][0] ?? '')).status).toBe(200);
  });

  it('lets one of fifty parallel confirmations of a reset through', async () => {
    const person = await Person.verified(house);
    const token = await person.resetToken();
    const passwords = Array.from({ length: 50 }, (_, at) => `orchard pencil drift ${at}`);
    const answers = await Promise.all(
      passwords.map((new_password) => person.post('/v1/auth/password/confirm', { token, new_password })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 204)).toHaveLength(1);
    expect(new Set(statuses.filter((status) => status !== 204))).toSatisfy((rest: Set<number>) =>
      [...rest].every((status) => status === 400 || status === 409),
    );
    const winner = passwords[statuses.indexOf(204)];
    expect((await person.attempt({ password: winner })).status).toBe(200);
    expect(await house.first.eventsOf(person.userId)).toEqual(['password-reset', 'email-verified']);
  });

  it('confirms an address once, however often it is asked at once', async () => {
    const person = await Person.verified(house);
    const { access } = await person.login();
    const email = `new-${person.email}`;
    const change = { new_email: email, password: person.password };
    expect((await person.post('/v1/auth/email/change', change, access)).status).toBe(202);
    const token = await house.mailedToken(email, 'Confirm your new e-mail address');
    expect((await person.me(access)).body.email).toBe(person.email);
    const answers = await times(20, () => person.post('/v1/auth/email/verify', { token }));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await person.me(access)).status).toBe(401);
    expect((await person.attempt()).status).toBe(401);
    expect((await person.attempt({ email })).status).toBe(200);
    expect(await house.mail(person.email, 'Your e-mail address was changed')).toBeDefined();
  });
});

describeReal('The end of sessions', () => {
  let house: AuthHouse;
  let second: Instance;
  beforeAll(async () => {
    house = await AuthHouse.open({ separate: true });
    second = await house.start();
  });
  afterAll(() => house.close());

  const alive = async (access: string) =>
    (await new Caller(second).get('/v1/auth/me', access)).status === 200;

  it('logs out one session, with its refresh tokens, as often as it is asked', async () => {
    const person = await Person.verified(house);
    const [one, other] = [await person.login(), await person.login()];
    expect((await person.post('/v1/auth/logout', undefined, one.access)).status).toBe(204);
    expect([await alive(one.access), await alive(other.access)]).toEqual([false, true]);
    expect((await person.refresh(one.refresh)).status).toBe(401);
    expect((await person.post('/v1/auth/logout', { refresh_token: other.refresh })).status).toBe(204);
    expect((await person.post('/v1/auth/logout', { refresh_token: other.refresh })).status).toBe(204);
    expect((await person.post('/v1/auth/logout', { refresh_token: 'none of ours' })).status).toBe(204);
    expect((await person.refresh(other.refresh)).status).toBe(401);
    expect(house.events('logout').filter(({ family }) => family !== undefined)).not.toHaveLength(0);
  });

  it('logs out all, and no flushed Redis revives anything', async () => {
    const person = await Person.verified(house);
    const [one, other] = [await person.login(), await person.login()];
    expect((await person.post('/v1/auth/logout/all', undefined, one.access)).status).toBe(204);
    const over = async () => {
      expect([await alive(one.access), await alive(other.access)]).toEqual([false, false]);
      for (const { refresh } of [one, other]) expect((await person.refresh(refresh)).status).toBe(401);
    };
    await over();
    await house.redis('AUTH_CACHE').admin().flushall();
    await over();
    const anew = await person.login();
    expect(await alive(anew.access)).toBe(true);
    await house.redis('AUTH_CACHE').admin().flushall();
    expect(await alive(anew.access)).toBe(false);
    expect((await person.refresh(anew.refresh)).status).toBe(401);
    await over();
  });

  it('logs out the others', async () => {
    const person = await Person.verified(house);
    const [one, other] = [await person.login(), await person.login()];
    expect((await person.post('/v1/auth/logout/others', undefined, one.access)).status).toBe(204);
    expect([await alive(one.access), await alive(other.access)]).toEqual([true, false]);
    expect((await person.refresh(other.refresh)).status).toBe(401);
    expect((await person.refresh(one.refresh)).status).toBe(200);
  });

  it('lists sessions page by page, and ends one of them; nobody else does', async () => {
    const [person, stranger] = [await Person.verified(house), await Person.verified(house)];
    const [one, other] = [await person.login(), await person.login()];
    const all = (await person.get('/v1/auth/sessions', one.access)).body.sessions as { id: string }[];
    expect(all).toHaveLength(3);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await person.get(`/v1/auth/sessions?limit=1${query}`, one.access);
      seen.push(...(body.sessions as { id: string }[]).map(({ id }) => id));
      cursor = body.next_cursor as string | null;
    }
    expect(seen).toEqual(all.map(({ id }) => id));
    const end = (caller: Person, id: string, token: string) =>
      caller.call(`/v1/auth/sessions/${id}`, { method: 'DELETE', token });
    const { access } = await stranger.login();
    expect((await end(stranger, other.sessionId, access)).status).toBe(404);
    expect(await alive(other.access)).toBe(true);
    for (const id of ['none', '00000000-0000-4000-8000-000000000000', '%00']) {
      expect((await end(person, id, one.access)).status).toBe(404);
    }
    expect((await end(person, other.sessionId, one.access)).status).toBe(204);
    expect((await end(person, other.sessionId, one.access)).status).toBe(404);
    expect([await alive(one.access), await alive(other.access)]).toEqual([true, false]);
    expect((await person.refresh(other.refresh)).status).toBe(401);
  });

  it('says that nobody can tell, where the list of sessions is something foreign, until a login makes it anew', async () => {
    const person = await Person.verified(house);
    const [one, other] = [await person.login(), await person.login()];
    const admin = house.redis('AUTH_CACHE').admin();
    const [index = ''] = await admin.keys(`*{${person.userId}}:sx`);
    await admin.set(index, 'foreign', 'EX', 3600);
    const away = { status: 503, body: { purpose: 'authCache' } };
    expect(await person.get('/v1/auth/sessions', one.access)).toMatchObject(away);
    expect(await person.post('/v1/auth/logout/others', undefined, one.access)).toMatchObject(away);
    expect(await alive(other.access)).toBe(true);
    const anew = await person.login();
    expect((await person.get('/v1/auth/sessions', anew.access)).status).toBe(200);
  });

  it('keeps the session that changes the password, with a new access token', async () => {
    const person = await Person.verified(house);
    const [one, other] = [await person.login(), await person.login()];
    const change = (current_password: string, new_password: string) =>
      person.post('/v1/auth/password/change', { current_password, new_password }, one.access);
    expect(await change('not the password at all', 'orchard pencil drift')).toMatchObject({ status: 401 });
    expect(await change(person.password, 'short')).toMatchObject({ status: 422 });
    expect((await change(person.password, 'orchard pencil drift')).status).toBe(204);
    expect(house.events('password-change').map(({ result }) => result)).toEqual(['refused', 'ok']);
    expect(await alive(other.access)).toBe(false);
    expect((await person.refresh(other.refresh)).status).toBe(401);
    const kept = loginOf(await person.refresh(one.refresh));
    expect(kept.sessionId).toBe(one.sessionId);
    expect(await alive(kept.access)).toBe(true);
  });

  it('says to operators what a token is worth, and to others nothing', async () => {
    const person = await Person.verified(house);
    const { access, sessionId, refresh } = await person.login();
    const ask = (token: string, bearer = OPS_TOKEN) => person.post('/v1/auth/introspect', { token }, bearer);
    const answer = await ask(access);
    expect(answer.body).toMatchObject({
      active: true,
      sub: person.userId,
      sid: sessionId,
      token_type: 'Bearer',
    });
    expect((await ask(access, access)).status).toBe(403);
    expect((await ask(access, 'wrong')).status).toBe(401);
    expect((await person.post('/v1/auth/introspect', { token: access })).status).toBe(401);
    for (const token of [refresh, `${access}x`, 'none'])
      expect((await ask(token)).body).toEqual({ active: false });
    await person.post('/v1/auth/logout', undefined, access);
    expect((await ask(access)).body).toEqual({ active: false });
  });

  it('switches to a tenant of one’s own only', async () => {
    const [person, stranger] = [await Person.verified(house), await Person.verified(house)];
    const { access, refresh, tenantId } = await person.login();
    const created = await person.post('/v1/tenants', { name: 'Harbour' }, access);
    const other = textOf(created, 'id');
    const switched = await person.post('/v1/auth/tenant', { tenant_id: other }, access);
    expect(switched.status).toBe(200);
    const me = await person.me(textOf(switched, 'access_token'));
    expect(me.body).toMatchObject({ tenant_id: other, role: 'owner' });
    expect((await person.refresh(refresh)).body.tenant_id).toBe(tenantId);
    expect((await person.attempt({ tenant_id: other })).body.tenant_id).toBe(other);

    const foreign = (await stranger.login()).tenantId;
    expect((await person.post('/v1/auth/tenant', { tenant_id: foreign }, access)).status).toBe(403);
    expect((await person.attempt({ tenant_id: foreign })).status).toBe(401);
    // A refresh for a tenant of others costs nothing: the same token again is right.
    const { refresh: next } = await person.login();
    expect((await person.refresh(next, { tenant_id: foreign })).status).toBe(403);
    expect((await person.refresh(next, { tenant_id: other })).body.tenant_id).toBe(other);
  });

  it('tells whose account has ended in SQL that the session has, and not that it is no member', async () => {
    const person = await Person.verified(house);
    const { access, tenantId } = await person.login();
    // Redis has not heard of it yet: the access token still opens the door.
    await house.first.app.get(Users, { strict: false }).disable(person.userId);
    const switched = await person.post('/v1/auth/tenant', { tenant_id: tenantId }, access);
    expect([switched.status, switched.problem]).toEqual([401, 'invalid-token']);
  });

  it('publishes the keys of access tokens', async () => {
    const caller = new Caller(second);
    const keys = await caller.get('/.well-known/jwks.json');
    expect(keys.status).toBe(200);
    expect(keys.headers.get('cache-control')).toContain('max-age=300');
    expect(keys.body.keys).toMatchObject([{ kty: 'OKP', crv: 'Ed25519' }]);
    expect(JSON.stringify(keys.body)).not.toContain('"d"');
    const etag = keys.headers.get('etag') ?? '';
    const again = await caller.call('/.well-known/jwks.json', {
      method: 'GET',
      headers: { 'if-none-match': etag },
    });
    expect(again.status).toBe(304);
  });
});
