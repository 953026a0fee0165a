import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Caller, textOf } from './auth/caller.js';
import { AuthHouse, type Instance } from './auth/house.js';
import { Person } from './auth/person.js';
import { Operator, type Program } from './service-accounts/program.js';

const INTROSPECT = { scopes: ['tokens:introspect'] };

describeReal('Tokens of service accounts', () => {
  let house: AuthHouse;
  let second: Instance;
  let operator: Operator;
  let program: Program;
  beforeAll(async () => {
    house = await AuthHouse.open({ separate: true });
    second = await house.start();
    operator = await Operator.of(house);
    program = await operator.program('auditor');
  });
  afterAll(() => house.close());

  /** What an instance answers to a request with the token for a route that asks for a scope. */
  const use = (access: string, instance = house.first) =>
    new Caller(instance).post('/v1/auth/introspect', { token: access }, access);

  it('open what asks for a scope that they have, and nothing that is about a user', async () => {
    const { access, jti } = await program.token(INTROSPECT);
    expect(await use(access)).toMatchObject({ status: 200, body: { active: true, jti } });
    const { access: lesser } = await program.token();
    expect(await use(lesser)).toMatchObject({ status: 403, problem: 'forbidden' });
    for (const path of ['/v1/auth/me', '/v1/auth/sessions', '/v1/tenants', '/v1/service-accounts/tokens'])
      expect([path, (await program.get(path, access)).status]).toEqual([path, 403]);
  });

  it('end at once on every instance when they are revoked', async () => {
    const { access, jti } = await program.token(INTROSPECT);
    const { access: other } = await program.token(INTROSPECT);
    for (const instance of house.instances) expect((await use(access, instance)).status).toBe(200);
    const path = `/v1/service-accounts/tokens/${jti}`;
    expect((await operator.call('DELETE', path)).status).toBe(204);
    const startMs = performance.now();
    expect(await use(access, second)).toMatchObject({ status: 401, problem: 'invalid-token' });
    expect(performance.now() - startMs).toBeLessThan(1000);
    expect((await use(access)).status).toBe(401);
    expect((await use(other, second)).status).toBe(200);
    expect((await operator.call('DELETE', path)).status).toBe(204);
  });

  it('stay revoked when Redis has forgotten everything, and hold where they were not', async () => {
    const { access, jti } = await program.token(INTROSPECT);
    const { access: other } = await program.token(INTROSPECT);
    expect((await operator.call('DELETE', `/v1/service-accounts/tokens/${jti}`)).status).toBe(204);
    // The session of the operator goes with it; SQL vouches for the tokens of programs.
    await house.redis('AUTH_CACHE').admin().flushall();
    expect((await use(access, second)).status).toBe(401);
    expect((await use(other, second)).status).toBe(200);
    operator = await Operator.of(house);
  });

  it('end at once on every instance when the account is disabled, which gets no more', async () => {
    const doomed = await operator.program('doomed');
    const { access } = await doomed.token(INTROSPECT);
    expect((await use(access, second)).status).toBe(200);
    const path = `/v1/service-accounts/${doomed.account.id}`;
    expect((await operator.call('DELETE', path)).status).toBe(204);
    expect((await use(access, second)).status).toBe(401);
    expect((await use(access)).status).toBe(401);
    expect(await doomed.send(doomed.sign())).toMatchObject({ status: 403, problem: 'account-disabled' });
    expect((await operator.call('DELETE', path)).status).toBe(204);
  });

  it('are listed, without what would open anything', async () => {
    const lister = await operator.program('lister');
    const { access, jti } = await lister.token();
    const path = `/v1/service-accounts/tokens?account_id=${lister.account.id}`;
    const list = await operator.call('GET', path);
    expect(list).toMatchObject({
      status: 200,
      body: { tokens: [{ jti, revoked: false }], next_cursor: null },
    });
    expect(JSON.stringify(list.body)).not.toContain(access);
    await operator.call('DELETE', `/v1/service-accounts/tokens/${jti}`);
    expect((await operator.call('GET', path)).body).toMatchObject({ tokens: [{ jti, revoked: true }] });
    const accounts = await operator.call('GET', `/v1/service-accounts?tenant_id=${operator.tenantId}`);
    expect(JSON.stringify(accounts.body)).toContain(`"name":"lister"`);
    expect(JSON.stringify(accounts.body)).not.toContain('PUBLIC KEY');
  });

  it('are not in Redis', async () => {
    const { access } = await program.token(INTROSPECT);
    expect((await use(access)).status).toBe(200);
    const redis = house.redis('AUTH_CACHE').admin();
    const keys = await redis.keys(`auth:{${program.account.id}}:*`);
    expect(keys.length).toBeGreaterThan(0);
    const values = await Promise.all(keys.map((key) => redis.get(key)));
    expect(values.filter((value) => value !== 'holds' && value !== 'ended')).toEqual([]);
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
    expect(keys.join()).not.toContain(access);
  });

  it('are administered by administrators only', async () => {
    const person = await Person.verified(house);
    const { access } = await person.login();
    const id = program.account.id;
    const calls: [string, string][] = [
      ['POST', '/v1/service-accounts'],
      ['GET', `/v1/service-accounts?tenant_id=${operator.tenantId}`],
      ['DELETE', `/v1/service-accounts/${id}`],
      ['GET', `/v1/service-accounts/tokens?account_id=${id}`],
      ['DELETE', `/v1/service-accounts/tokens/${id}`],
    ];
    for (const [method, path] of calls) {
      expect([path, (await person.call(path, { method, token: access })).status]).toEqual([path, 403]);
      expect([path, (await person.call(path, { method })).status]).toEqual([path, 401]);
    }
  });

  it.each([
    ['a scope of people', { scopes: ['users:admin'] }],
    ['a misspelt scope', { scopes: ['Billing'] }],
    ['no scope', { scopes: [] }],
    ['a scope that no token could say', { scopes: [`${'a'.repeat(32)}:${'b'.repeat(32)}`] }],
    ['a misspelt name', { name: 'No Name' }],
    ['what is no key', { public_key: 'x' }],
    ['a key that is an array', { public_key: ['x'] }],
    ['no tenant', { tenant_id: 'x' }],
  ])('are not for an account with %s', async (_, fields) => {
    const answer = await operator.add({ name: 'refused', scopes: ['billing:read'], ...fields });
    expect(answer).toMatchObject({ status: 422, problem: 'validation-failed' });
  });

  it('cannot be told of what is not there', async () => {
    for (const id of ['x', '00000000-0000-4000-8000-000000000000', '%00', '__proto__']) {
      expect((await operator.call('DELETE', `/v1/service-accounts/${id}`)).status).toBe(404);
      expect((await operator.call('DELETE', `/v1/service-accounts/tokens/${id}`)).status).toBe(404);
    }
    expect(await operator.add({ name: 'auditor', scopes: ['billing:read'] })).toMatchObject({ status: 409 });
  });

  it('leave lines with ids and outcome', async () => {
    const { access, jti } = await program.token();
    const done = house.events('service-token').find(({ session_id: id }) => id === jti);
    expect(done).toMatchObject({ result: 'ok', user_id: program.account.id });
    expect(house.lines.join()).not.toContain(access);
    expect(textOf(await program.send(program.sign()), 'jti')).not.toBe(jti);
  });

  it('are neither issued without nonces nor believed without authCache, and nobody is told 401', async () => {
    const { access } = await program.token(INTROSPECT);
    expect((await use(access)).status).toBe(200);
    for (const stem of ['SECURITY_TOKEN', 'AUTH_CACHE'] as const) {
      await house.redis(stem).down();
      const signed = program.sign();
      expect([stem, await program.send(signed)]).toMatchObject([stem, { status: 503 }]);
      const believed = await use(access);
      expect([stem, believed.status]).toEqual([stem, stem === 'AUTH_CACHE' ? 503 : 200]);
      await house.redis(stem).start();
      const back = await waitFor(
        async () => {
          const answer = await program.send(program.sign());
          return answer.status === 201 ? answer : undefined;
        },
        { what: `tokens with ${stem} back`, timeoutMs: 15_000, intervalMs: 50 },
      );
      expect(back.status).toBe(201);
    }
  });
});
