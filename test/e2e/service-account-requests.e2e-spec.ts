import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { AuthHouse } from './auth/house.js';
import { sendRaw } from './rate-limit-http/door.js';
import { Operator, type Program, SKEW_MS, type Signed } from './service-accounts/program.js';

const PATH = '/v1/service-accounts/token';
const UNSIGNED = { status: 401, problem: 'invalid-signature' };
const STALE = { status: 401, problem: 'stale-request' };

describeReal('Signed requests of service accounts', () => {
  let house: AuthHouse;
  let operator: Operator;
  let program: Program;
  beforeAll(async () => {
    // Apart, so that one is restarted alone: the others would not be back at the same moment.
    house = await AuthHouse.open({ separate: true });
    operator = await Operator.of(house);
    program = await operator.program('harvester');
  });
  afterAll(() => house.close());

  /** Nothing was used up: the very request is let in afterwards. */
  const assertUnused = async (signed: Signed) => expect((await program.send(signed)).status).toBe(201);

  it('get a token that nobody may keep, once', async () => {
    const signed = program.sign();
    const first = await program.send(signed);
    expect(first).toMatchObject({
      status: 201,
      body: { token_type: 'Bearer', scope: 'billing:read', account_id: program.account.id },
    });
    expect(first.headers.get('cache-control')).toBe('no-store');
    expect(first.body.expires_in).toBeLessThanOrEqual(300);
    expect(await program.send(signed)).toMatchObject({ status: 401, problem: 'replayed-nonce' });
  });

  it('let one of twenty parallel uses in', async () => {
    const signed = program.sign();
    const answers = await Promise.all(Array.from({ length: 20 }, () => program.send(signed)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ problem }) => problem === 'replayed-nonce')).toHaveLength(19);
  });

  it.each([
    ['method', { method: 'GET' }],
    ['method', { method: 'PUT' }],
    ['method', { method: 'post' }],
    ['method', { method: 'POST ' }],
    ['path', { path: '/v1/service-accounts/tokens' }],
    ['path', { path: `${PATH}/` }],
    ['path', { path: '/v2/service-accounts/token' }],
    ['path', { path: `https://app.example.com${PATH}` }],
    ['query', { path: `${PATH}?a=1` }],
    ['query', { path: `${PATH}?` }],
    ['body', { body_sha256: 'A'.repeat(43) }],
    ['audience', { aud: ['billing'] }],
    ['audience', { aud: 'auth-service-2' }],
    ['issuer', { iss: 'somebody' }],
    ['subject', { sub: 'somebody' }],
    ['tenant', { tenant_id: '00000000-0000-4000-8000-000000000000' }],
    ['scopes', { scopes: ['billing:read', 'status:manage'] }],
    ['lifetime', { lifetime_minutes: 60 }],
  ])('refuse another %s than what was signed: %o', async (_, claims) => {
    expect(await program.send(program.sign({ claims }))).toMatchObject(UNSIGNED);
  });

  it('refuse a path or query that was changed on the way, and use nothing up', async () => {
    const signed = program.sign();
    for (const path of [`${PATH}?a=1`, `${PATH}?=`, `${PATH}?scopes=all`, '/v1/service%2Daccounts/token'])
      expect([path, await program.send(signed, path)]).toMatchObject([path, UNSIGNED]);
    // DELETE is an address of administrators, who show an access token.
    const others = { PUT: 405, PATCH: 405, OPTIONS: 405, DELETE: 401 };
    for (const [method, status] of Object.entries(others))
      expect([method, (await program.send(signed, PATH, method)).status]).toEqual([method, status]);
    const reordered = program.sign({ claims: { path: `${PATH}?a=1&b=2` } });
    expect(await program.send(reordered, `${PATH}?b=2&a=1`)).toMatchObject(UNSIGNED);
    expect((await program.send(reordered, `${PATH}?a=1&b=2`)).status).toBe(201);
    await assertUnused(signed);
  });

  it('refuse a body that was changed on the way, and use nothing up', async () => {
    const signed = program.sign();
    const { account, tenant_id, scopes } = program.wish;
    const bodies = [
      `${signed.body} `,
      signed.body.replace('"lifetime_minutes":5', '"lifetime_minutes":60'),
      signed.body.replace('billing:read', 'status:manage'),
      JSON.stringify({ lifetime_minutes: 5, scopes, tenant_id, account }),
    ];
    for (const body of bodies) {
      expect(body).not.toBe(signed.body);
      expect(await program.send({ ...signed, body })).toMatchObject(UNSIGNED);
    }
    await assertUnused(signed);
  });

  it.each([
    ['601 seconds old', -601, 300],
    ['more than 30 seconds ahead', 60, 300],
    ['expired', -120, 60],
    ['valid for 601 seconds', 0, 601],
    ['expired before it was issued', 0, -1],
  ])('refuse what is %s', async (_, offset, life) => {
    const iat = Date.now() / 1000 + offset;
    expect(await program.send(program.sign({ claims: { iat, exp: iat + life } }))).toMatchObject(STALE);
  });

  it('refuse the key of somebody else, an account that is not there, and a signature of Vault', async () => {
    const { privateKey: key } = generateKeyPairSync('ed25519');
    expect(await program.send(program.sign({ key }))).toMatchObject(UNSIGNED);
    expect(await program.send(program.sign({ wish: { account: 'nobody' } }))).toMatchObject(UNSIGNED);
    const other = await operator.program('reaper');
    expect(await program.send(other.sign({ key: program.account.privateKey }))).toMatchObject(UNSIGNED);
    const signed = program.sign();
    const authorization = `Bearer vault:v1:${'A'.repeat(86)}==`;
    const swapped = { ...signed, headers: { ...signed.headers, authorization } };
    expect(await program.send(swapped)).toMatchObject(UNSIGNED);
    await assertUnused(signed);
  });

  it('give no scope and no tenant that the account does not have', async () => {
    const beyond = program.sign({ wish: { scopes: ['billing:manage'] } });
    expect(await program.send(beyond)).toMatchObject({ status: 403, problem: 'forbidden' });
    const { tenantId } = await Operator.of(house);
    const elsewhere = program.sign({ wish: { tenant_id: tenantId } });
    expect(await program.send(elsewhere)).toMatchObject({ status: 403, problem: 'forbidden' });
  });

  it.each([
    ['no header', {}],
    ['no payload', { authorization: `Bearer ed25519:${'A'.repeat(86)}` }],
    ['an access token', { authorization: 'Bearer a.b.c', 'x-vault-payload': 'e30' }],
    ['an empty object', { 'x-vault-payload': 'e30' }],
    ['an array', { 'x-vault-payload': 'W10' }],
    ['null', { 'x-vault-payload': 'bnVsbA' }],
    ['__proto__', { 'x-vault-payload': Buffer.from('{"__proto__":{"iss":"a"}}').toString('base64url') }],
    ['no UTF-8', { 'x-vault-payload': Buffer.from([0xff, 0xfe]).toString('base64url') }],
    ['2000 levels', { 'x-vault-payload': Buffer.from('['.repeat(2000)).toString('base64url') }],
    ['a huge payload', { 'x-vault-payload': 'A'.repeat(9000) }],
    ['another alphabet', { 'x-vault-payload': 'e30=' }],
  ])('refuse %s in the headers', async (_, changed: Readonly<Record<string, string>>) => {
    const { headers, body } = program.sign();
    const bare = Object.keys(changed).length === 0 || 'authorization' in changed;
    expect(await program.send({ headers: bare ? changed : { ...headers, ...changed }, body })).toMatchObject(
      UNSIGNED,
    );
  });

  it.each([
    ['nonce', ['', 'short', 'a'.repeat(129), 'nonce with blanks in it', null, 7, ['a'.repeat(16)], {}]],
    ['iat', ['1', null, -1, 0, 1e300, [], {}, true]],
    ['aud', ['', [], [7], {}, null]],
    ['account', ['', 7, ['harvester'], {}, null, '\ud800', 'a\u0000b', '__proto__']],
    ['scopes', ['billing:read', [], [7], {}, null]],
  ])('refuse a signed %s of another kind', async (name, values) => {
    for (const value of values) {
      const answer = await program.send(program.sign({ claims: { [name]: value } }));
      expect([value, answer]).toMatchObject([value, UNSIGNED]);
    }
  });

  it('refuse a body of another kind, and use nothing up', async () => {
    const signed = program.sign();
    for (const field of Object.keys(program.wish)) {
      for (const value of ['', 'x'.repeat(5000), '\ud800', '\u0000', [], {}, [{}], null, -1, true]) {
        const body = JSON.stringify({ ...program.wish, [field]: value });
        expect([field, value, (await program.send({ ...signed, body })).status]).toEqual([field, value, 422]);
      }
    }
    expect((await program.send({ ...signed, body: '{"__proto__":{}}' })).status).toBe(400);
    expect((await program.send({ ...signed, body: `"${'x'.repeat(9000)}"` })).status).toBe(413);
    await assertUnused(signed);
  });

  it.each(['authorization', 'x-vault-payload'])('refuse a doubled %s', async (name) => {
    const signed = program.sign();
    const lines = Object.entries({
      host: 'localhost',
      connection: 'close',
      'content-type': 'application/json',
      'content-length': String(signed.body.length),
      ...signed.headers,
    }).map(([key, value]) => `${key}: ${value}`);
    const doubled = [...lines, `${name}: ${signed.headers[name]}`];
    const request = `POST ${PATH} HTTP/1.1\r\n${doubled.join('\r\n')}\r\n\r\n${signed.body}`;
    const { head, body } = await sendRaw(house.first.port, request);
    expect(head).toContain(' 401 ');
    expect(body).toContain('invalid-signature');
    await assertUnused(signed);
  });

  it('are refused with when to sign anew after FLUSHALL and after a restart', async () => {
    const server = house.redis('SECURITY_TOKEN');
    const lost = { status: 401, problem: 'replay-state-lost' };
    for (const lose of [() => server.admin().flushall(), () => server.restart()]) {
      const signed = program.sign();
      expect((await program.send(signed)).status).toBe(201);
      await lose();
      const answer = await waitFor(
        async () => {
          const given = await program.send(signed);
          return given.status === 503 ? undefined : given;
        },
        { what: 'an answer after the loss', timeoutMs: 15_000, intervalMs: 50 },
      );
      expect(answer).toMatchObject(lost);
      expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(SKEW_MS / 1000);
      expect((await program.send(program.sign())).status).toBe(201);
    }
  });
});
