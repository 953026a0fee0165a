import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { Caller, textOf } from './auth/caller.js';
import { AuthHouse, type Instance } from './auth/house.js';
import { Person, RESET_SUBJECT, VERIFY_SUBJECT, loginOf } from './auth/person.js';

const NEW_PASSWORD = 'harbour violin moss';

describeReal('One account from its opening to its new password', () => {
  let house: AuthHouse;
  let second: Instance;
  beforeAll(async () => {
    house = await AuthHouse.open({ env: { AUTH_REFRESH_GRACE_MS: '0' } });
    second = await house.start();
  });
  afterAll(() => house.close());

  it('walks through register, verify, login, refresh, theft and reset', async () => {
    const person = await Person.registered(house);
    const before = await person.login();
    expect((await person.me(before.access)).body).toMatchObject({ email_verified: false, scopes: [] });

    const token = await house.mailedToken(person.email, VERIFY_SUBJECT);
    expect(await person.post('/v1/auth/email/verify', { token })).toMatchObject({
      status: 200,
      body: { email_verified: true },
    });
    expect(await person.post('/v1/auth/email/verify', { token })).toMatchObject({
      status: 400,
      problem: 'invalid-or-expired-token',
    });

    const answer = await person.attempt();
    expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(Number) });
    expect(Number(answer.body.expires_in)).toBeGreaterThan(500);
    expect(Number(answer.body.refresh_expires_in)).toBeGreaterThan(86_400);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('set-cookie')).toBeNull();
    const login = loginOf(answer);
    const me = await person.me(login.access);
    person.userId = textOf(me, 'id');
    expect(me.body).toMatchObject({
      email: person.email,
      email_verified: true,
      session_id: login.sessionId,
      role: 'owner',
      scopes: expect.arrayContaining(['tenant:manage', 'billing:read']),
      tenants: [{ id: login.tenantId, personal: true, role: 'owner' }],
    });

    const sessions = await person.get('/v1/auth/sessions', login.access);
    expect(sessions.body.sessions).toMatchObject([
      { id: login.sessionId, current: true, address: expect.stringMatching(/^10\.\d+\.\d+\.x$/) },
      { id: before.sessionId, current: false },
    ]);

    // The same token again, while nobody has used its successor: the answer may have been lost.
    const rotated = loginOf(await person.refresh(login.refresh));
    const replayed = loginOf(await person.refresh(login.refresh));
    expect(rotated.refresh).not.toBe(login.refresh);
    expect(replayed.refresh).toBe(rotated.refresh);
    expect(rotated.sessionId).toBe(login.sessionId);
    const newest = loginOf(await person.refresh(rotated.refresh));
    expect((await person.me(newest.access)).status).toBe(200);

    // Two hold tokens of this login now.
    const elsewhere = new Caller(second);
    expect((await elsewhere.get('/v1/auth/me', newest.access)).status).toBe(200);
    const theft = await person.refresh(login.refresh);
    expect(theft).toMatchObject({ status: 401, problem: 'token-reuse' });
    for (const access of [newest.access, rotated.access, login.access]) {
      expect(await elsewhere.get('/v1/auth/me', access)).toMatchObject({
        status: 401,
        problem: 'invalid-token',
      });
    }
    expect((await person.refresh(newest.refresh)).status).toBe(401);
    // The other login of the same account goes on.
    expect((await elsewhere.get('/v1/auth/me', before.access)).status).toBe(200);
    expect(await house.mail(person.email, 'One of your sessions was ended')).toBeDefined();
    expect(await house.first.eventsOf(person.userId)).toEqual(['refresh-reuse', 'email-verified']);
    expect((await house.mailsTo(person.email)).filter(({ subject }) => /session/.test(subject))).toHaveLength(
      1,
    );

    const reset = await person.resetToken();
    const weak = { token: reset, new_password: 'short' };
    // More often than a token may be claimed: what no account could have is not tried with it.
    for (let n = 0; n < 6; n += 1)
      expect(await person.post('/v1/auth/password/confirm', weak)).toMatchObject({
        status: 422,
        problem: 'password-policy',
      });
    const reused = { token: reset, new_password: person.password };
    expect(await person.post('/v1/auth/password/confirm', reused)).toMatchObject({
      status: 422,
      problem: 'password-reused',
    });
    const good = { token: reset, new_password: NEW_PASSWORD };
    expect((await person.post('/v1/auth/password/confirm', good)).status).toBe(204);
    expect(await person.post('/v1/auth/password/confirm', good)).toMatchObject({
      status: 400,
      problem: 'invalid-or-expired-token',
    });

    expect(await person.attempt()).toMatchObject({ status: 401, problem: 'invalid-credentials' });
    expect((await elsewhere.get('/v1/auth/me', before.access)).status).toBe(401);
    expect((await person.refresh(before.refresh)).status).toBe(401);
    expect((await person.attempt({ password: NEW_PASSWORD })).status).toBe(200);
    expect(await house.mail(person.email, 'Your password was changed')).toBeDefined();
    expect(await house.first.eventsOf(person.userId)).toEqual([
      'password-reset',
      'refresh-reuse',
      'email-verified',
    ]);
    // Not a secret, and not an address in any line of any instance.
    const lines = house.lines.join('\n');
    expect(lines).toContain(person.userId);
    const secrets = [person.password, NEW_PASSWORD, person.email, reset, token, login.refresh, newest.access];
    expect(secrets.filter((secret) => lines.includes(secret))).toEqual([]);
  });

  it('tells every step in one line with ids and outcomes', () => {
    const told = (event: string) => house.events(event).map(({ result, reason }) => [result, reason]);
    expect(told('register')).toEqual([['ok', 'created']]);
    expect(told('refresh')).toEqual([
      ['ok', 'rotated'],
      ['ok', 'replayed'],
      ['ok', 'rotated'],
      ['denied', 'reused'],
      ['denied', 'reused'],
      ['refused', 'ended'],
    ]);
    expect(told('password-confirm')).toEqual([['ok', undefined]]);
  });

  it('ends outstanding reset tokens with a newer one, and with a change of the password', async () => {
    const person = await Person.verified(house);
    const { access } = await person.login();
    const first = await person.resetToken();
    await person.post('/v1/auth/password/forgot', { email: person.email });
    const mails = async () =>
      (await house.mailsTo(person.email)).filter(({ subject }) => subject === RESET_SUBJECT);
    await expect.poll(mails, { timeout: 15_000 }).toHaveLength(2);
    const confirm = (token: string) =>
      person.post('/v1/auth/password/confirm', { token, new_password: NEW_PASSWORD });
    expect((await confirm(first)).status).toBe(400);
    const change = { current_password: person.password, new_password: 'orchard pencil drift' };
    expect((await person.post('/v1/auth/password/change', change, access)).status).toBe(204);
    expect(house.events('password-change')).toMatchObject([{ result: 'ok', user_id: person.userId }]);
    const [one, other] = await mails();
    const tokens = [one, other].map((mail) => /#token=(\S+)/.exec(mail?.text ?? '')?.[1] ?? '');
    expect(tokens).toContain(first);
    for (const token of tokens) expect((await confirm(token)).status).toBe(400);
    expect((await person.attempt({ password: 'orchard pencil drift' })).status).toBe(200);
  });
});
