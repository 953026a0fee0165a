import { generateKeyPairSync } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { securityEvents } from '../../src/identity/identity.tables.js';
import type { SecurityEventKind } from '../../src/identity/index.js';
import { describeReal } from '../support/redis-availability.js';
import { Caller, textOf } from './auth/caller.js';
import { AuthHouse, type Instance } from './auth/house.js';
import { Person } from './auth/person.js';
import { Operator, type Program } from './service-accounts/program.js';

const INTROSPECT = { scopes: ['tokens:introspect'] };
const NOBODY = '00000000-0000-4000-8000-000000000000';

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

describeReal('Service accounts that administrators change', () => {
  let house: AuthHouse;
  let second: Instance;
  let operator: Operator;
  beforeAll(async () => {
    house = await AuthHouse.open();
    second = await house.start();
    operator = await Operator.of(house);
  });
  afterAll(() => house.close());

  const use = (access: string) =>
    new Caller(second).post('/v1/auth/introspect', { token: access }, access).then(({ status }) => status);
  const rekey = (id: string, public_key: unknown, token = operator.access) =>
    operator.person.call(`/v1/service-accounts/${id}/public-key`, {
      method: 'PUT',
      body: { public_key },
      token,
    });
  /** Keys whose nonces are remembered. */
  const births = async () => (await house.redis('SECURITY_TOKEN').admin().keys('st:n:{*}:birth')).length;
  /** Facts of the security events of a kind. */
  const kept = async (kind: SecurityEventKind) => {
    const db = house.first.app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    const rows = await db.run((sql) =>
      sql.select({ facts: securityEvents.facts }).from(securityEvents).where(eq(securityEvents.kind, kind)),
    );
    return rows.map(({ facts }) => facts);
  };
  const enable = (id: string) => operator.call('POST', `/v1/service-accounts/${id}/enable`);
  const ask = async (program: Program, key = program.account.privateKey) => {
    const { status, problem } = await program.send(program.sign({ key, wish: INTROSPECT }));
    return [status, problem];
  };

  it('have their nonces remembered from their registration on, and not from their first request', async () => {
    const before = await births();
    const { account } = await operator.program('prompt');
    expect(await births()).toBe(before + 1);
    expect(house.events('service-account-created').at(-1)).toMatchObject({
      user_id: account.id,
      tenant_id: operator.tenantId,
      actor_id: operator.person.userId,
    });
    expect(await kept('service-account-created')).toContainEqual({
      account: account.id,
      tenant: operator.tenantId,
      actor: operator.person.userId,
    });
  });

  it('are enabled again, for new tokens; those that ended stay ended', async () => {
    const program = await operator.program('resting');
    const { id } = program.account;
    const { access } = await program.token(INTROSPECT);
    expect((await operator.call('DELETE', `/v1/service-accounts/${id}`)).status).toBe(204);
    expect(await ask(program)).toEqual([403, 'account-disabled']);
    expect((await enable(id)).status).toBe(204);
    expect((await enable(id)).status).toBe(204);
    expect(await use(access)).toBe(401);
    expect(await use((await program.token(INTROSPECT)).access)).toBe(200);
    expect(house.events('service-account-enabled').at(-1)).toMatchObject({
      user_id: id,
      actor_id: operator.person.userId,
      result: 'ok',
    });
  });

  it('get another key: the old one signs nothing any more, and its tokens have ended everywhere', async () => {
    const program = await operator.program('rekeyed');
    const { id } = program.account;
    const { access } = await program.token(INTROSPECT);
    expect(await use(access)).toBe(200);
    const { pem, privateKey } = newKey();
    expect((await rekey(id.toUpperCase(), pem)).status).toBe(204);
    expect(await use(access)).toBe(401);
    expect(await ask(program)).toEqual([401, 'invalid-signature']);
    expect(await ask(program, privateKey)).toEqual([201, undefined]);
    expect(house.events('service-account-key')).toHaveLength(1);
    expect(JSON.stringify(house.lines)).not.toContain(pem.split('\n')[1]);
  });

  it('of Vault get a key of their own, whose nonces are remembered at once', async () => {
    const program = await operator.program('moving', true);
    const { id } = program.account;
    const { pem, privateKey } = newKey();
    const before = await births();
    expect((await rekey(id, pem)).status).toBe(204);
    expect(await births()).toBe(before + 1);
    expect(await ask(program, privateKey)).toEqual([201, undefined]);
    const list = await operator.call('GET', `/v1/service-accounts?tenant_id=${operator.tenantId}`);
    const accounts = list.body.service_accounts as { id: string; signed_by: string }[];
    expect(accounts.find((one) => one.id === id)?.signed_by).toBe('ed25519');
  });

  it('are changed by administrators only, and by nothing that is no public key', async () => {
    const program = await operator.program('guarded');
    const { id } = program.account;
    const { access } = await program.token(INTROSPECT);
    const { pem } = newKey();
    const stranger = await Person.verified(house);
    const { access: token } = await stranger.login();
    expect((await rekey(id, pem, token)).status).toBe(403);
    const enabling = `/v1/service-accounts/${id}/enable`;
    expect((await stranger.post(enabling, undefined, token)).status).toBe(403);
    expect((await stranger.post(enabling)).status).toBe(401);
    const { privateKey } = generateKeyPairSync('ed25519');
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const wrong of [secret, '', 'x'.repeat(2000), null, undefined, 7, [pem], { pem }, '\0'])
      expect([wrong, (await rekey(id, wrong)).status]).toEqual([wrong, 422]);
    for (const nobody of [NOBODY, 'none', '%00']) {
      expect([nobody, (await rekey(nobody, pem)).status]).toEqual([nobody, 404]);
      expect([nobody, (await enable(nobody)).status]).toEqual([nobody, 404]);
    }
    expect(await use(access)).toBe(200);
  });

  it('have scopes that a token can say', async () => {
    const answer = await operator.add({ name: 'wordy', scopes: [`${'a'.repeat(32)}:${'b'.repeat(32)}`] });
    expect(answer.status).toBe(422);
  });

  it('have scopes that some route asks for, and are told which there are', async () => {
    const misspelt = await operator.add({ name: 'misspelt', scopes: ['billing:read', 'billing:reed'] });
    expect(misspelt.status).toBe(422);
    expect(JSON.stringify(misspelt)).toContain(
      'billing:manage, billing:read, status:manage, tokens:introspect',
    );
    const known = await operator.add({ name: 'known', scopes: ['billing:read', 'tokens:introspect'] });
    expect(textOf(known, 'id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});
