import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { sendRaw } from '../e2e/rate-limit-http/door.js';
import { Metrics } from '../../src/telemetry/index.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { type AccessApp, EpochLedger, type Login, logIn, openAccessApp } from './access.rig.js';
import { withEngine } from './support/engine.js';

withEngine('A route that asks who it is', (engine) => {
  const ledger = new EpochLedger();
  let proxy: TcpProxy;
  let access: AccessApp;
  /** The same, with signing keys of another ring. */
  let stranger: AccessApp;
  let port: number;
  beforeAll(async () => {
    proxy = await startTcpProxy({ targetPort: engine.port });
    const env = { AUTH_CACHE_REDIS_URL: `redis://127.0.0.1:${proxy.port}` };
    stranger = await openAccessApp({ env: { ...env, AUTH_SIGNING_KEYS: 'A'.repeat(43) }, ledger });
    // Nest has one logger: that of the application which was made last.
    access = await openAccessApp({ env, ledger });
    await access.app.listen(0, '127.0.0.1');
    ({ port } = access.app.getHttpServer().address() as { port: number });
  });
  let login: Login;
  beforeEach(async () => {
    login = await logIn(access, { userId: ledger.newUser(), scopes: ['billing:read'] });
    access.lines.splice(0);
  });
  afterAll(async () => {
    await Promise.all([access.app.close(), stranger.app.close()]);
    await proxy.stop();
  });

  const outcomes = async () =>
    (await access.app.get(Metrics).registry.metrics()).match(/^access_checks_total\{.*$/gm) ?? [];
  /** The line of the one request of a test; it is written when the connection knows that the answer has gone. */
  const line = () => waitFor(() => access.lines.at(-1), { what: 'the line of the request' });

  it('learns it from the token, and so does the request log', async () => {
    const { userId, tenantId, sessionId, authorization } = login;
    const answer = await access.get('/v1/probe/me', authorization);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      userId,
      tenantId,
      sessionId,
      role: 'owner',
      scopes: ['billing:read'],
      jti: expect.any(String) as string,
      expiresAtMs: expect.any(Number) as number,
    });
    expect(await line()).toMatchObject({
      route: '/v1/probe/me',
      user_id: userId,
      session_id: sessionId,
      tenant_id: tenantId,
    });
  });

  it('asks authCache once', async () => {
    await access.get('/v1/probe/billing', login.authorization);
    expect((await line()).redis).toEqual(
      expect.arrayContaining([{ purpose: 'authCache', calls: 1, ms: expect.any(Number) as number }]),
    );
  });

  it('tells who sends nothing that a token is needed', async () => {
    const answer = await access.get('/v1/probe/me');
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.json()).toMatchObject({ type: '/problems/invalid-token', status: 401 });
    expect(await line()).toMatchObject({ access_denied: 'missing' });
    expect(await line()).not.toHaveProperty('user_id');
  });

  it.each<[string, (token: string) => string | Promise<string>]>([
    ['an empty header', () => ''],
    ['the scheme alone', () => 'Bearer'],
    ['another scheme', (token) => `Basic ${token}`],
    ['no scheme', (token) => token],
    ['two tokens in one header', (token) => `Bearer ${token}, Bearer ${token}`],
    ['a token cut off', (token) => `Bearer ${token.slice(0, -5)}`],
    ['a token without its signature', (token) => `Bearer ${token.slice(0, token.lastIndexOf('.') + 1)}`],
    ['a token of 12 KB', (token) => `Bearer ${token}${'A'.repeat(12_000)}`],
    ['letters beyond ASCII', (token) => `Bearer ${token}é`],
    ['JSON', () => 'Bearer {"__proto__":{"admin":true}}'],
    ['words of the prototype', () => 'Bearer __proto__.constructor.toString'],
    ['dots', () => 'Bearer ...'],
    [
      'the token of another ring',
      async () => (await logIn(stranger, { userId: login.userId })).authorization,
    ],
    [
      'the token of a session that has ended',
      async (token) => {
        await access.sessions.revoke(login.userId, login.sessionId);
        return `Bearer ${token}`;
      },
    ],
    [
      'the token of a session of somebody else',
      async () => {
        const { token } = await access.tokens.issue({
          ...login,
          userId: ledger.newUser(),
          role: 'owner',
          scopes: [],
          epoch: 1,
        });
        return `Bearer ${token}`;
      },
    ],
    [
      'the token of an epoch that is yet to come',
      async () =>
        `Bearer ${(await access.tokens.issue({ ...login, role: 'owner', scopes: [], epoch: 2 })).token}`,
    ],
  ])('refuses %s: 401, told the same as for all of them', async (_, header) => {
    const token = login.authorization.slice('Bearer '.length);
    const answer = await access.get('/v1/probe/me', await header(token));
    expect([answer.statusCode, answer.headers['www-authenticate'], answer.headers['content-type']]).toEqual([
      401,
      'Bearer error="invalid_token"',
      'application/problem+json; charset=utf-8',
    ]);
    const { request_id: _id, ...problem } = answer.json<Record<string, unknown>>();
    expect(problem).toEqual({
      type: '/problems/invalid-token',
      title: 'The access token is not valid',
      status: 401,
      detail: expect.any(String) as string,
      instance: '/v1/probe/me',
    });
    expect(answer.body).not.toContain(token.slice(-20));
    expect((await line()).access_denied).toMatch(/^[a-z-]+$/);
  });

  it('refuses a header that comes twice, be both of them right', async () => {
    const line = `Authorization: ${login.authorization}\r\n`;
    const send = (lines: string) =>
      sendRaw(port, `GET /v1/probe/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}\r\n`);
    expect((await send(line)).head).toMatch(/^HTTP\/1.1 200 /);
    expect((await send(line + line)).head).toMatch(/^HTTP\/1.1 401 [^]*www-authenticate: Bearer error/);
    expect((await send(`${line}AUTHORIZATION: Basic eA==\r\n`)).head).toMatch(/^HTTP\/1.1 401 /);
  });

  it('asks for all scopes, of method and class, and names those that are missing', async () => {
    expect((await access.get('/v1/probe/billing', login.authorization)).json()).toEqual({ paid: true });
    const other = await logIn(access, { userId: ledger.newUser(), scopes: ['users:read'] });
    const refused = await access.get('/v1/admin/users', other.authorization);
    expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="admin:all"',
    ]);
    const both = await logIn(access, { userId: ledger.newUser(), scopes: ['users:read', 'admin:all'] });
    expect((await access.get('/v1/admin/users', both.authorization)).statusCode).toBe(200);
    expect((await access.get('/v1/admin/users')).statusCode).toBe(401);
  });

  it('shows a tenant to its members alone, and does not say which ones there are', async () => {
    expect((await access.get(`/v1/probe/tenants/${login.tenantId}`, login.authorization)).statusCode).toBe(
      200,
    );
    const other = await logIn(access, { userId: ledger.newUser() });
    const bodies = [];
    for (const tenantId of [other.tenantId, randomUUID(), login.tenantId.toUpperCase(), '__proto__']) {
      const answer = await access.get(`/v1/probe/tenants/${tenantId}`, login.authorization);
      expect(answer.statusCode).toBe(403);
      bodies.push(answer.json<{ detail: string }>().detail);
    }
    expect(new Set(bodies).size).toBe(1);
  });

  it('counts limits by user, whatever token or session he shows', async () => {
    const again = await logIn(access, { userId: login.userId });
    const other = await logIn(access, { userId: ledger.newUser() });
    const statuses = [];
    for (const { authorization } of [login, again, login, other])
      statuses.push((await access.get('/v1/limited', authorization)).statusCode);
    expect(statuses).toEqual([200, 200, 429, 200]);
    expect((await access.get('/v1/limited')).statusCode).toBe(401);
  });

  it('notes that the session is used, beside the request', async () => {
    const key = `auth:{${login.userId}}:s:${login.sessionId}`;
    const fields = (await engine.redis.get(key))?.split('|') ?? [];
    fields[4] = '1000';
    await engine.redis.set(key, fields.join('|'), 'PX', 60_000);
    expect((await access.get('/v1/probe/me', login.authorization)).statusCode).toBe(200);
    await waitFor(
      async () => (await access.sessions.get(login.userId, login.sessionId))?.lastSeenAtMs !== 1000,
      {
        what: 'the use to be noted',
      },
    );
  });

  it('counts what became of each request', async () => {
    await access.get('/v1/probe/me', login.authorization);
    expect(await outcomes()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/outcome="allowed"\} [1-9]/) as string,
        expect.stringMatching(/outcome="malformed"\} [1-9]/) as string,
        expect.stringMatching(/outcome="forbidden"\} [1-9]/) as string,
      ]),
    );
  });

  it.each(['refuse', 'blackHole'] as const)(
    'is 503, never 401, while authCache is away (%s), and soon there again',
    async (fault) => {
      await proxy[fault]();
      for (let request = 0; request < 20; request += 1) {
        const startMs = performance.now();
        const answer = await access.get('/v1/probe/me', login.authorization);
        // Its budget is 250 ms; the bound is for a machine that is busy.
        expect(performance.now() - startMs).toBeLessThan(1500);
        expect(answer.statusCode).toBe(503);
        expect(answer.json()).toMatchObject({
          type: '/problems/compartment-unavailable',
          purpose: 'authCache',
        });
        expect(answer.headers['retry-after']).toMatch(/^\d+$/);
        expect(answer.headers['www-authenticate']).toBeUndefined();
      }
      expect((await access.get('/v1/probe/me', 'Bearer a.b.c')).statusCode).toBe(401);
      expect((await access.get('/.well-known/jwks.json')).statusCode).toBe(200);
      await proxy.pass();
      await waitFor(async () => (await access.get('/v1/probe/me', login.authorization)).statusCode === 200, {
        what: 'the session to be found again',
      });
    },
  );
});
