import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { type Answer, Caller, textOf } from './auth/caller.js';
import { AuthHouse } from './auth/house.js';
import { Person, VERIFY_SUBJECT } from './auth/person.js';
import { Users } from '../../src/identity/index.js';

const UNIFORM_MS = 700;
const WRONG = 'not the password of anybody';

/** What a client sees, without what differs for every request. */
function seen({ status, headers, body }: Answer) {
  const names = [...headers.keys()].filter((name) => !['date', 'x-request-id'].includes(name)).sort();
  // Counted down, or of the moment.
  const varying = new Set(['ratelimit', 'content-length']);
  const fields = names.map((name) => [name, varying.has(name) ? '' : headers.get(name)]);
  return { status, fields, body: { ...body, request_id: '' } };
}

describeReal('Answers that tell nothing about accounts', () => {
  let house: AuthHouse;
  beforeAll(async () => {
    house = await AuthHouse.open();
  });
  afterAll(() => house.close());

  it('registers a known and an unknown address alike, and tells the mailbox', async () => {
    const person = new Person(house);
    const created = await person.register();
    const known = await person.register('another lantern hill');
    expect(created.status).toBe(202);
    expect(seen(known)).toEqual(seen(created));
    expect(await house.mail(person.email, 'You have an account already')).toBeDefined();
    expect(await house.mail(person.email, VERIFY_SUBJECT)).toBeDefined();
    // The second password is nobody's.
    expect((await person.attempt({ password: 'another lantern hill' })).status).toBe(401);
    expect((await person.attempt()).status).toBe(200);
    for (const email of [person.email, 'nobody-1@example.org']) {
      const weak = await new Caller(house.first).post('/v1/auth/register', { email, password: 'short' });
      expect(weak).toMatchObject({ status: 422, problem: 'password-policy' });
    }
  });

  it('opens one account for one address, however often it is asked at once', async () => {
    const person = new Person(house);
    const answers = await Promise.all(Array.from({ length: 4 }, () => person.register()));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    await expect
      .poll(async () => (await house.mailsTo(person.email)).map(({ subject }) => subject).sort(), {
        timeout: 15_000,
      })
      .toEqual([VERIFY_SUBJECT, ...Array<string>(3).fill('You have an account already')]);
    const { access } = await person.login();
    const { body } = await person.me(access);
    expect(body.tenants).toHaveLength(1);
  });

  it('answers forgot alike for known, unknown and disabled accounts', async () => {
    const [known, disabled] = [await Person.registered(house), await Person.verified(house)];
    await house.first.app.get(Users, { strict: false }).disable(disabled.userId);
    const before = await house.first.mailCount();
    const emails = [known.email, disabled.email, 'nobody-2@example.org'];
    const answers: Answer[] = [];
    for (const email of emails) {
      answers.push(await new Caller(house.first).post('/v1/auth/password/forgot', { email }));
    }
    expect(answers[0]?.status).toBe(202);
    expect(answers.slice(1).map(seen)).toEqual([0, 1].map(() => seen(answers[0] as Answer)));
    expect(await house.first.mailCount()).toBe(before + 1);
  });

  it('refuses unknown, wrong and locked alike, and locks unknown addresses too', async () => {
    const person = await Person.verified(house);
    const attempt = (email: string, password: string) =>
      new Caller(house.first).post('/v1/auth/token', { email, password });
    const wrong = await attempt(person.email, WRONG);
    expect(wrong).toMatchObject({ status: 401, problem: 'invalid-credentials' });
    const unknown = await attempt('nobody-3@example.org', WRONG);
    for (let at = 0; at < 4; at += 1) {
      await attempt(person.email, WRONG);
      await attempt('nobody-3@example.org', WRONG);
    }
    // Locked: the right password does not open, and looks like a wrong one.
    const locked = await attempt(person.email, person.password);
    const lockedUnknown = await attempt('nobody-3@example.org', WRONG);
    for (const other of [unknown, locked, lockedUnknown]) expect(seen(other)).toEqual(seen(wrong));
    expect(house.events('login').filter(({ reason }) => reason === 'locked')).toHaveLength(2);
    expect(await house.first.metric('auth_lockout_total{outcome="locked"')).toBe(2);
  });

  it('lets a known device of the owner in while the account is locked', async () => {
    const person = await Person.verified(house);
    const { deviceToken } = await person.login();
    const stranger = new Caller(house.first);
    for (let at = 0; at < 5; at += 1)
      await stranger.post('/v1/auth/token', { email: person.email, password: WRONG });
    expect((await person.attempt()).status).toBe(401);
    expect((await person.attempt({ device_token: deviceToken })).status).toBe(200);
    const other = await Person.verified(house);
    const foreign = await other.login();
    expect((await person.attempt({ device_token: foreign.deviceToken })).status).toBe(401);
  });

  it('looks at no more passwords than the limits allow of fifty parallel guesses', async () => {
    const person = await Person.verified(house);
    const checks = () => house.first.metric('password_checks_total');
    const counted = () => house.first.metric('auth_lockout_total{outcome="counted"');
    const [checksBefore, countedBefore] = [await checks(), await counted()];
    const guesser = new Caller(house.first);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        guesser.post('/v1/auth/token', { email: person.email, password: WRONG }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    // Ten at once per account and address; of those, five until the lock. The others are hashed to take as long.
    expect((await checks()) - checksBefore).toBe(10);
    expect((await counted()) - countedBefore).toBe(5);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    for (const answer of answers.filter(({ status }) => status === 429)) {
      expect(answer.problem).toBe('too-many-attempts');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });

  it('says that an account is disabled to whoever knows its password only', async () => {
    const person = await Person.verified(house);
    const { access, refresh } = await person.login();
    await house.first.app.get(Users, { strict: false }).disable(person.userId);
    expect(await person.attempt({ password: WRONG })).toMatchObject({
      status: 401,
      problem: 'invalid-credentials',
    });
    expect(await person.attempt()).toMatchObject({ status: 403, problem: 'account-disabled' });
    expect((await person.refresh(refresh)).status).toBe(401);
    expect(access).not.toBe('');
  });

  it('gives no scopes before the address is confirmed', async () => {
    const person = await Person.registered(house);
    const { access, refresh, tenantId } = await person.login();
    const me = await person.me(access);
    expect(me.body).toMatchObject({ email_verified: false, scopes: [] });
    const invite = { email: 'guest@example.org', role: 'member' };
    expect((await person.post(`/v1/tenants/${tenantId}/invitations`, invite, access)).status).toBe(403);
    await person.post('/v1/auth/email/verify', {
      token: await house.mailedToken(person.email, VERIFY_SUBJECT),
    });
    const later = await person.refresh(refresh);
    expect((await person.me(textOf(later, 'access_token'))).body.scopes).toContain('tenant:manage');
  });
});

describeReal('The time of answers that must not tell', () => {
  let house: AuthHouse;
  beforeAll(async () => {
    house = await AuthHouse.open({ env: { AUTH_UNIFORM_ANSWER_MS: String(UNIFORM_MS) } });
  });
  afterAll(() => house.close());

  it('is no shorter than told for register and forgot, whatever happens behind them', async () => {
    const person = new Person(house);
    const calls = [
      () => person.register(),
      () => person.register(),
      () => person.register('short'),
      () => person.post('/v1/auth/password/forgot', { email: person.email }),
      () => person.post('/v1/auth/password/forgot', { email: 'nobody-4@example.org' }),
    ];
    for (const call of calls) expect((await call()).ms).toBeGreaterThanOrEqual(UNIFORM_MS - 5);
  });
});
