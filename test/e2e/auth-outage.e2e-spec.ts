import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { type Answer, Caller } from './auth/caller.js';
import { AuthHouse, OPS_TOKEN, type Stem } from './auth/house.js';
import { type Login, Person, VERIFY_SUBJECT, loginOf } from './auth/person.js';

/** A lost compartment is known at once; the rest is what a busy machine adds. */
const PROMPT_MS = 1500;
const NEW_PASSWORD = 'harbour violin moss';
const SOME_ID = '00000000-0000-4000-8000-000000000000';

type Endpoint = (person: Person, login: Login) => Promise<Answer>;

/** Everything that needs to know who asks, or counts attempts. */
const OPEN: Readonly<Record<string, Endpoint>> = {
  register: (person) => person.register(),
  token: (person) => person.attempt(),
  forgot: (person) => person.post('/v1/auth/password/forgot', { email: person.email }),
  'forgot of nobody': (person) => person.post('/v1/auth/password/forgot', { email: 'nobody@example.org' }),
  refresh: (person, { refresh }) => person.refresh(refresh),
  'logout by refresh token': (person, { refresh }) =>
    person.post('/v1/auth/logout', { refresh_token: refresh }),
};

const post =
  (path: string, body?: unknown): Endpoint =>
  (person, { access }) =>
    person.post(path, body, access);
const get =
  (path: string): Endpoint =>
  (person, { access }) =>
    person.get(path, access);

const AUTHENTICATED: Readonly<Record<string, Endpoint>> = {
  logout: post('/v1/auth/logout'),
  'logout/all': post('/v1/auth/logout/all'),
  'logout/others': post('/v1/auth/logout/others'),
  sessions: get('/v1/auth/sessions'),
  'DELETE session': (person, { access, sessionId }) =>
    person.call(`/v1/auth/sessions/${sessionId}`, { method: 'DELETE', token: access }),
  me: get('/v1/auth/me'),
  introspect: (person, { access }) => person.post('/v1/auth/introspect', { token: access }, OPS_TOKEN),
  tenant: (person, { access, tenantId }) => person.post('/v1/auth/tenant', { tenant_id: tenantId }, access),
  'email/send': post('/v1/auth/email/send'),
  'email/change': (person, { access }) =>
    person.post(
      '/v1/auth/email/change',
      { new_email: 'other@example.org', password: person.password },
      access,
    ),
  'password/change': (person, { access }) =>
    person.post(
      '/v1/auth/password/change',
      { current_password: person.password, new_password: NEW_PASSWORD },
      access,
    ),
  tenants: get('/v1/tenants'),
  'tenants create': post('/v1/tenants', { name: 'Harbour' }),
  members: (person, { access, tenantId }) => person.get(`/v1/tenants/${tenantId}/members`, access),
  invite: (person, { access, tenantId }) =>
    person.post(`/v1/tenants/${tenantId}/invitations`, { email: 'g@example.org', role: 'member' }, access),
  accept: post('/v1/invitations/accept', { token: 'none' }),
  'admin disable': post(`/v1/admin/users/${SOME_ID}/disable`, { reason: 'test' }),
};

/** What everything answers whose compartment is away. */
function expectClosed(name: string, { status, headers, problem, ms }: Answer): void {
  const cookies = headers.getSetCookie().length;
  expect([name, status, problem, cookies]).toEqual([name, 503, 'compartment-unavailable', 0]);
  expect(Number(headers.get('retry-after')), name).toBeGreaterThan(0);
  expect(ms, name).toBeLessThan(PROMPT_MS);
}

describeReal('The flows of accounts while a compartment is away', () => {
  let postgres: PostgresServer;
  let house: AuthHouse;
  let person: Person;
  let login: Login;
  beforeAll(async () => {
    postgres = await startPostgres();
    house = await AuthHouse.open({
      separate: true,
      databaseUrl: postgres.url(),
      env: { AUTH_CACHE_REDIS_COMMAND_MS: '1s' },
    });
  });
  afterAll(async () => {
    await house.close();
    await postgres.stop();
  });
  beforeEach(async () => {
    person = await Person.verified(house);
    login = await person.login();
  });
  afterEach(async () => {
    for (const stem of ['AUTH_CACHE', 'SECURITY_TOKEN'] as const) {
      const server = house.redis(stem);
      server.thaw();
      if (!server.running) await server.start();
    }
    if (!postgres.running) await postgres.start();
    await isBack('authCache');
    await isBack('securityTokens');
    await waitFor(async () => (await probe().attempt({ password: 'wrong' })).status === 401, {
      what: 'logins to be answered again',
      timeoutMs: 20_000,
      intervalMs: 100,
    });
  });

  const probe = () => new Person(house);
  const isBack = (purpose: string) =>
    waitFor(async () => (await new Caller(house.first).get(`/readyz/${purpose}`)).status === 200, {
      what: `${purpose} to be back`,
      timeoutMs: 20_000,
      intervalMs: 25,
    });
  const kill = async (stem: Stem, purpose: string) => {
    await house.redis(stem).kill9();
    await waitFor(async () => (await new Caller(house.first).get(`/readyz/${purpose}`)).status === 503, {
      what: `${purpose} to be known as lost`,
    });
  };

  it('answers 503 everywhere without authCache, and none of it counts afterwards', async () => {
    const newcomer = new Person(house);
    const mails = await house.first.mailCount();
    await kill('AUTH_CACHE', 'authCache');
    for (const [name, ask] of Object.entries({ ...OPEN, ...AUTHENTICATED }))
      expectClosed(name, await ask(person, login));
    expectClosed('register of nobody', await newcomer.register());
    // What we did not write, nobody has to be asked about.
    expect((await person.refresh('rt1.none')).status).toBe(401);
    expect((await person.me('none')).status).toBe(401);
    expect((await person.get('/.well-known/jwks.json')).status).toBe(200);
    expect(await house.first.mailCount()).toBe(mails);
    await house.redis('AUTH_CACHE').start();
    await isBack('authCache');
    // It came back empty: sessions have ended, the account has not.
    expect((await person.me(login.access)).status).toBe(401);
    expect((await person.refresh(login.refresh)).status).toBe(401);
    expect((await person.attempt()).status).toBe(200);
    expect((await newcomer.attempt()).status).toBe(401);
  });

  it('takes a reset without authCache, and no session of before survives it', async () => {
    const token = await person.resetToken();
    await house.redis('AUTH_CACHE').freeze();
    const confirm = { token, new_password: NEW_PASSWORD };
    expect((await person.post('/v1/auth/password/confirm', confirm)).status).toBe(204);
    house.redis('AUTH_CACHE').thaw();
    await isBack('authCache');
    await waitFor(async () => (await person.me(login.access)).status === 401, {
      what: 'the session of before to end',
      timeoutMs: 10_000,
    });
    expect((await person.refresh(login.refresh)).status).toBe(401);
    expect((await person.attempt({ password: NEW_PASSWORD })).status).toBe(200);
  });

  it('goes on without securityTokens, but for what needs a one-time token', async () => {
    const fresh = await Person.registered(house);
    const verification = await house.mailedToken(fresh.email, VERIFY_SUBJECT);
    const unverified = await fresh.login();
    const newcomer = new Person(house);
    const mails = await house.first.mailCount();
    await kill('SECURITY_TOKEN', 'securityTokens');
    const closed: Record<string, () => Promise<Answer>> = {
      register: () => newcomer.register(),
      'register of a known address': () => person.register(),
      forgot: () => person.post('/v1/auth/password/forgot', { email: person.email }),
      'forgot of nobody': () => person.post('/v1/auth/password/forgot', { email: 'nobody@example.org' }),
      verify: () => fresh.post('/v1/auth/email/verify', { token: verification }),
      'email/send': () => fresh.post('/v1/auth/email/send', undefined, unverified.access),
      'email/change': () =>
        person.post(
          '/v1/auth/email/change',
          { new_email: 'other@example.org', password: person.password },
          login.access,
        ),
      invite: () =>
        person.post(
          `/v1/tenants/${login.tenantId}/invitations`,
          { email: 'guest@example.org', role: 'member' },
          login.access,
        ),
    };
    for (const [name, ask] of Object.entries(closed)) expectClosed(name, await ask());
    expect(
      (await person.post('/v1/auth/password/confirm', { token: 'x', new_password: NEW_PASSWORD })).status,
    ).toBe(400);
    expect((await person.me(login.access)).status).toBe(200);
    const again = loginOf(await person.attempt());
    expect((await person.refresh(again.refresh)).status).toBe(200);
    expect((await person.post('/v1/auth/logout', undefined, again.access)).status).toBe(204);
    expect(await house.first.mailCount()).toBe(mails);
    await house.redis('SECURITY_TOKEN').start();
    await isBack('securityTokens');
    // It came back empty, and what it forgot works no more.
    expect((await fresh.post('/v1/auth/email/verify', { token: verification })).status).toBe(400);
    // No half of anything was kept: no account without its mail, no invitation.
    expect((await newcomer.attempt()).status).toBe(401);
    expect((await newcomer.register()).status).toBe(202);
    await house.mailedToken(newcomer.email, VERIFY_SUBJECT);
    const open = await person.get(`/v1/tenants/${login.tenantId}/invitations`, login.access);
    expect(open.body.invitations).toEqual([]);
  });

  it('answers 503 without PostgreSQL, and the same refresh token works afterwards', async () => {
    await postgres.down();
    await waitFor(async () => (await person.attempt()).status === 503, { what: 'SQL to be known as lost' });
    const fromRedis = new Set(['sessions', 'logout', 'logout/others', 'DELETE session', 'introspect']);
    const needsSql = Object.entries(AUTHENTICATED).filter(
      ([name]) => !fromRedis.has(name) && name !== 'admin disable' && name !== 'accept',
    );
    const { refresh, register, token, forgot } = OPEN;
    for (const [name, ask] of [...Object.entries({ refresh, register, token, forgot }), ...needsSql])
      expectClosed(name, await (ask as Endpoint)(person, login));
    expect((await person.get('/v1/auth/sessions', login.access)).status).toBe(200);
    await postgres.start();
    await waitFor(async () => (await probe().attempt()).status === 401, {
      what: 'SQL to be back',
      timeoutMs: 20_000,
      intervalMs: 100,
    });
    expect((await person.me(login.access)).status).toBe(200);
    const renewed = loginOf(await person.refresh(login.refresh));
    expect(renewed.sessionId).toBe(login.sessionId);
    expect((await person.attempt()).status).toBe(200);
  });
});
