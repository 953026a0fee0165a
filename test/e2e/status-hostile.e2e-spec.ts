import { count } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { incidents, statusDeliveries, statusSubscriptions } from '../../src/status/status.tables.js';
import { describeReal } from '../support/redis-availability.js';
import { Caller } from './auth/caller.js';
import { AuthHouse, OPS_TOKEN } from './auth/house.js';
import { Person } from './auth/person.js';
import { sendRaw } from './rate-limit-http/door.js';

const SUBSCRIPTIONS = '/v1/status/subscriptions';
const CONFIRM = 'Confirm your status alerts';

interface Target {
  readonly name: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token?: string;
}

const TARGETS: readonly Target[] = [
  {
    name: 'subscribe by mail',
    path: SUBSCRIPTIONS,
    body: { channel: 'email', target: 'a@example.org', severity: 'all' },
  },
  {
    name: 'subscribe a webhook',
    path: SUBSCRIPTIONS,
    body: { channel: 'webhook', target: 'https://hooks.example.com/', severity: 'all' },
  },
  { name: 'verify', path: `${SUBSCRIPTIONS}/verify`, body: { token: 'x' } },
  { name: 'challenge', path: `${SUBSCRIPTIONS}/challenge`, body: { token: 'x' } },
  { name: 'unsubscribe', path: `${SUBSCRIPTIONS}/unsubscribe`, body: { token: 'x' } },
  {
    name: 'incident',
    path: '/v1/status/incidents',
    token: OPS_TOKEN,
    body: { severity: 'major', title: 'x', body: 'x' },
  },
];

const VALUES: readonly unknown[] = [
  '',
  '\u0000',
  'a\u0000b@x.org',
  '\ud800@example.org\udfff',
  'x'.repeat(50_000),
  [],
  ['a@example.org'],
  [['a']],
  {},
  { $ne: '' },
  { length: 20, toString: 'x', normalize: 'x' },
  null,
  7,
  true,
];

const RAW: readonly (readonly [string, number])[] = [
  ['{', 400],
  ['{"__proto__":{"channel":"email"}}', 400],
  ['{"constructor":{"prototype":{"channel":"email"}}}', 400],
  ['[]', 422],
  ['"text"', 422],
  ['null', 422],
  ['7', 422],
  ['{"of":"its own"}', 422],
  [JSON.stringify({ target: 'x'.repeat(100_000) }), 413],
];

describeReal('Bad input about status alerts', () => {
  let house: AuthHouse;
  beforeAll(async () => {
    house = await AuthHouse.open();
  });
  afterAll(() => house.close());

  const stored = async (): Promise<unknown> => {
    const db = house.first.app.get<FeatureDatabase>(getDatabaseToken('status'), { strict: false });
    const tables = [statusSubscriptions, statusDeliveries, incidents];
    const counts = await db.run(async (sql) => {
      const found: number[] = [];
      for (const table of tables) found.push((await sql.select({ n: count() }).from(table))[0]?.n ?? 0);
      return found;
    });
    return [counts, await house.first.mailCount()];
  };
  const send = ({ path, token }: Target, body: unknown) =>
    new Caller(house.first).call(path, { body, ...(token ? { token } : {}) });

  it.each(TARGETS.map((target) => [target.name, target] as const))(
    'is refused in every field: %s',
    async (_, target) => {
      const before = await stored();
      const unrefused: unknown[] = [];
      for (const field of Object.keys(target.body))
        for (const value of VALUES) {
          const { status, problem } = await send(target, { ...target.body, [field]: value });
          if (status < 400 || status >= 500 || problem === undefined)
            unrefused.push([field, JSON.stringify(value).slice(0, 40), status]);
        }
      expect(unrefused).toEqual([]);
      expect(await stored()).toEqual(before);
    },
  );

  it.each(TARGETS.map((target) => [target.name, target] as const))(
    'is refused as a whole body: %s',
    async (_, target) => {
      const before = await stored();
      for (const [body, expected] of RAW) {
        const { status, problem } = await send(target, body);
        expect([body.slice(0, 40), status, problem !== undefined]).toEqual([
          body.slice(0, 40),
          expected,
          true,
        ]);
      }
      expect(await stored()).toEqual(before);
    },
  );

  it.each([
    'https://127.0.0.1/',
    'https://[::ffff:7f00:1]/',
    'https://2130706433/',
    'https://localhost/',
    'https://metadata.google.internal/',
    'http://hooks.example.com/',
    'https://user:pass@hooks.example.com/',
    'https://hooks.example.com:22/',
    'https://hooks.example.com\\@127.0.0.1/',
    'mailto:a@example.org',
  ])('is the webhook %s, which is not repeated in the answer', async (target) => {
    const before = await stored();
    const answer = await send(TARGETS[1] as Target, { channel: 'webhook', target, severity: 'all' });
    expect([answer.status, answer.problem]).toEqual([422, 'validation-failed']);
    expect(JSON.stringify(answer.body)).not.toContain(target.slice(9));
    expect(await stored()).toEqual(before);
  });

  it('is a token of another kind, cut short or changed, in the body, the path or a query', async () => {
    const caller = new Caller(house.first);
    const target = 'tokens@example.org';
    await caller.post(SUBSCRIPTIONS, { channel: 'email', target, severity: 'all' });
    const token = await house.mailedToken(target, CONFIRM);
    const invalid = { status: 400, problem: 'invalid-or-expired-token' };
    for (const text of [
      token.slice(0, -1),
      `${token}A`,
      token.replace('sa.', 'sc.'),
      token.toUpperCase(),
      'x',
    ])
      for (const path of ['verify', 'challenge', 'unsubscribe'])
        expect([path, text, await caller.post(`${SUBSCRIPTIONS}/${path}`, { token: text })]).toMatchObject([
          path,
          text,
          invalid,
        ]);
    for (const path of ['challenge', 'unsubscribe'])
      expect(await caller.post(`${SUBSCRIPTIONS}/${path}`, { token })).toMatchObject(invalid);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const text of [
      token,
      'x',
      '%00',
      '%ED%A0%80',
      '__proto__',
      'x'.repeat(90),
      'x'.repeat(5000),
      '..%2fverify',
    ]) {
      const path = `${SUBSCRIPTIONS}/unsubscribe/${text}`;
      const { status } = await caller.call(path, { body: 'List-Unsubscribe=One-Click', headers: form });
      expect([text, status >= 400 && status < 500]).toEqual([text, true]);
    }
    for (const method of ['GET', 'HEAD', 'PUT']) {
      const query = `${SUBSCRIPTIONS}/verify?token=${encodeURIComponent(token)}`;
      expect((await caller.call(query, { method })).status).toBeGreaterThanOrEqual(400);
    }
    expect((await caller.post(`${SUBSCRIPTIONS}/verify?token=${token}`, {})).status).toBe(422);
    expect((await caller.post(`${SUBSCRIPTIONS}/verify`, { token })).status).toBe(200);
  });

  it('is a doubled header', async () => {
    const before = await stored();
    const body = JSON.stringify({ severity: 'major', title: 'x', body: 'x' });
    const ops = `Authorization: Bearer ${OPS_TOKEN}\r\n`;
    const send = (path: string, headers: string, text: string) =>
      sendRaw(
        house.first.port,
        `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}Content-Type: application/json\r\n` +
          `Content-Length: ${text.length}\r\n\r\n${text}`,
      );
    expect((await send('/v1/status/incidents', `${ops}${ops}`, body)).head).toMatch(/^HTTP\/1\.1 401 /);
    const wish = JSON.stringify({ channel: 'email', target: 'z@example.org', severity: 'all' });
    expect((await send(SUBSCRIPTIONS, `${ops}${ops}`, wish)).head).toMatch(/^HTTP\/1\.1 401 /);
    const twice = await send(SUBSCRIPTIONS, 'Content-Length: 3\r\n', wish);
    expect(twice.head).toMatch(/^HTTP\/1\.1 400 /);
    expect(await stored()).toEqual(before);
  });

  it('is a page of nonsense', async () => {
    const person = await Person.verified(house);
    const { access } = await person.login();
    expect((await person.get(`${SUBSCRIPTIONS}?limit=1`, access)).status).toBe(200);
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'limit=1&limit=2', 'a=b']) {
      const { status } = await person.get(`${SUBSCRIPTIONS}?${query}`, access);
      expect([query, status]).toEqual([query, 422]);
    }
  });
});
