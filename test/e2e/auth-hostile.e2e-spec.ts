import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { sendRaw } from './rate-limit-http/door.js';
import { Caller } from './auth/caller.js';
import { AuthHouse, OPS_TOKEN } from './auth/house.js';
import { type Login, Person, VERIFY_SUBJECT } from './auth/person.js';

const PASSWORD = 'lantern oyster hill';
const SOME_ID = '00000000-0000-4000-8000-000000000000';

/** Every POST, with a body that is right in form; one field at a time becomes something else. */
interface Target {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly signedIn?: boolean;
  /** May be left out or null. */
  readonly optional?: readonly string[];
  /** Status of a request without a body; undefined: 422. */
  readonly bodiless?: number;
}

const TARGETS: readonly Target[] = [
  { path: '/v1/auth/register', body: { email: 'a@example.org', password: PASSWORD } },
  {
    path: '/v1/auth/token',
    body: {
      email: 'a@example.org',
      password: PASSWORD,
      tenant_id: SOME_ID,
      device_token: 'x',
      cookie: false,
    },
    optional: ['tenant_id', 'device_token', 'cookie'],
  },
  {
    path: '/v1/auth/refresh',
    body: { refresh_token: 'x', tenant_id: SOME_ID },
    optional: ['refresh_token', 'tenant_id'],
    bodiless: 401,
  },
  { path: '/v1/auth/logout', body: { refresh_token: 'x' }, optional: ['refresh_token'], bodiless: 204 },
  { path: '/v1/auth/tenant', body: { tenant_id: SOME_ID }, signedIn: true },
  { path: '/v1/auth/introspect', body: { token: 'x' }, signedIn: true },
  { path: '/v1/auth/email/verify', body: { token: 'x' } },
  { path: '/v1/auth/email/change', body: { new_email: 'b@example.org', password: 'x' }, signedIn: true },
  { path: '/v1/auth/password/forgot', body: { email: 'nobody@example.org' } },
  { path: '/v1/auth/password/confirm', body: { token: 'x', new_password: PASSWORD } },
  {
    path: '/v1/auth/password/change',
    body: { current_password: 'x', new_password: PASSWORD },
    signedIn: true,
  },
  { path: '/v1/tenants', body: { name: 'Harbour' }, signedIn: true },
  { path: '/v1/tenants/:own/invitations', body: { email: 'c@example.org', role: 'member' }, signedIn: true },
  { path: '/v1/invitations/accept', body: { token: 'x' }, signedIn: true },
];

/** What a field may be instead. None of it is an address, a token, a tenant, or long enough for a password. */
const VALUES: readonly (readonly [string, unknown])[] = [
  ['empty', ''],
  ['blank', ' '],
  ['long', 'x'.repeat(50_000)],
  ['a half surrogate', '\ud800@example.org\udfff'],
  ['with NUL', 'a\u0000b@x.org'],
  ['NUL', '\u0000'],
  ['a line break', 'a@x.org\r\nB: c'],
  ['an array', ['a@example.org']],
  ['an empty array', []],
  ['an object', { $ne: '' }],
  ['a text with methods', { length: 20, toString: 'x', normalize: 'x' }],
  ['null', null],
  ['a number', 7],
  ['true', true],
];

const RAW: readonly (readonly [string, string, number])[] = [
  ['no JSON', '{', 400],
  ['__proto__', '{"__proto__":{"email":"a@example.org"}}', 400],
  ['constructor', '{"constructor":{"prototype":{"email":"a@example.org"}}}', 400],
  ['100 KB', JSON.stringify({ email: 'x'.repeat(100_000) }), 413],
  ['an array', '[]', 422],
  ['a text', '"text"', 422],
  ['null', 'null', 422],
  ['a number', '7', 422],
  ['a field of its own', '{"role_of_all":"owner"}', 422],
];

/** Left out, as good as left out, or a value that the field may have. */
function isAllowed({ optional = [] }: Target, field: string, value: unknown): boolean {
  if (field === 'cookie' && value === true) return true;
  return optional.includes(field) && (value === null || value === '');
}

describeReal('Bad input', () => {
  let house: AuthHouse;
  let person: Person;
  let login: Login;
  beforeAll(async () => {
    house = await AuthHouse.open();
    person = await Person.verified(house);
    login = await person.login();
  });
  afterAll(() => house.close());

  /** Each from another address, so that no quota answers first. */
  const send = ({ path, signedIn }: Target, body: unknown) =>
    new Caller(house.first).call(path.replace(':own', login.tenantId), {
      body,
      ...(signedIn ? { token: login.access } : {}),
    });

  it.each(TARGETS.map((target) => [target.path, target] as const))(
    'is told so by %s, in every field',
    async (_, target) => {
      const mails = await house.first.mailCount();
      const unrefused: unknown[] = [];
      for (const field of Object.keys(target.body)) {
        for (const [name, value] of VALUES.filter(([, value]) => !isAllowed(target, field, value))) {
          const { status, problem } = await send(target, { ...target.body, [field]: value });
          // What is no token of ours has nothing to end.
          const isNothing = status === 204 && target.bodiless === 204 && typeof value === 'string';
          const isRefused = status >= 400 && status < 500 && problem !== undefined;
          if (!isNothing && !isRefused) unrefused.push([field, name, status, problem]);
        }
      }
      expect(unrefused).toEqual([]);
      expect(await house.first.mailCount()).toBe(mails);
    },
  );

  it.each(TARGETS.map((target) => [target.path, target] as const))(
    'is told so by %s, as a whole body',
    async (_, target) => {
      const mails = await house.first.mailCount();
      for (const [name, body, usual] of RAW) {
        const { status, problem = 'none' } = await send(target, body);
        // Where a body may be left out, null is none: then there is no token.
        const expected = name === 'null' ? (target.bodiless ?? usual) : usual;
        expect([name, status, problem === 'none']).toEqual([name, expected, expected < 400]);
      }
      const { status, problem } = await new Caller(house.first).call(target.path, {
        body: 'email=a',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
      expect([status, problem]).toEqual([415, expect.any(String)]);
      expect(await house.first.mailCount()).toBe(mails);
    },
  );

  it('is every method but POST for a token, which stays whole', async () => {
    const fresh = await Person.registered(house);
    const token = await house.mailedToken(fresh.email, VERIFY_SUBJECT);
    for (const path of ['/v1/auth/email/verify', '/v1/auth/password/confirm', '/v1/invitations/accept']) {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
        const query = `${path}?token=${encodeURIComponent(token)}`;
        const { status } = await fresh.call(query, { method, headers: { 'x-http-method-override': 'POST' } });
        expect([path, method, status >= 400 && status < 500]).toEqual([path, method, true]);
      }
      // Not even a POST takes it out of the address, where logs would see it.
      expect((await fresh.post(`${path}?token=${encodeURIComponent(token)}`, {})).status).toBeGreaterThan(
        400,
      );
    }
    expect((await fresh.post('/v1/auth/email/verify', { token })).status).toBe(200);
  });

  it('is a token of another kind, of another user’s mail, cut short or changed', async () => {
    const fresh = await Person.registered(house);
    const token = await house.mailedToken(fresh.email, VERIFY_SUBJECT);
    const reset = await fresh.resetToken();
    const verify = (text: string) => fresh.post('/v1/auth/email/verify', { token: text });
    const confirm = (text: string) =>
      fresh.post('/v1/auth/password/confirm', { token: text, new_password: 'harbour violin moss' });
    const [kind = '', random = '', mac = ''] = token.split('.');
    const [resetKind = ''] = reset.split('.');
    const changed = [
      reset,
      token.slice(0, -1),
      `${token}A`,
      `${kind}.${random}.${mac.split('').reverse().join('')}`,
      `${resetKind}.${random}.${mac}`,
      token.toUpperCase(),
    ];
    for (const text of changed)
      expect([text, await verify(text)]).toMatchObject([
        text,
        { status: 400, problem: 'invalid-or-expired-token' },
      ]);
    expect(await confirm(token)).toMatchObject({ status: 400, problem: 'invalid-or-expired-token' });
    expect((await verify(token)).status).toBe(200);
    expect((await confirm(reset)).status).toBe(204);
  });

  it('is more than one Authorization', async () => {
    const request = (first: string, second: string, line: string, body = '') =>
      sendRaw(
        house.first.port,
        `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${first}\r\nAuthorization: ${second}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    const mine = `Bearer ${login.access}`;
    for (const [first, second] of [
      [mine, mine],
      [mine, 'Bearer x'],
      ['Bearer x', mine],
    ] as const) {
      for (const line of ['GET /v1/auth/me', 'POST /v1/auth/logout', 'POST /v1/auth/logout/all']) {
        expect((await request(first, second, line)).head).toMatch(/^HTTP\/1\.1 401 /);
      }
    }
    const body = JSON.stringify({ token: login.access });
    const asked = await request(`Bearer ${OPS_TOKEN}`, mine, 'POST /v1/auth/introspect', body);
    expect(asked.head).toMatch(/^HTTP\/1\.1 401 /);
    expect((await person.me(login.access)).status).toBe(200);
  });

  it.each([
    'Basic eDp5',
    'Bearer',
    'Bearer  ',
    'bearer x',
    `Bearer ${'x'.repeat(90)}.${'x'.repeat(8000)}.x`,
    'Bearer a.b.c',
    'Token x',
  ])('is the Authorization %s', async (authorization) => {
    const { status, problem } = await person.call('/v1/auth/me', {
      method: 'GET',
      headers: { authorization },
    });
    expect([status, problem]).toEqual([401, 'invalid-token']);
  });
});
