import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  InvalidIdentityValueError,
  NameTakenError,
  SecurityEvents,
  ServiceAccountNotFoundError,
  ServiceAccountTokens,
  ServiceAccounts,
  TenantNotFoundError,
  Tenants,
} from '../../src/identity/index.js';
import { IdentityRig, NOBODY, NO_IDS } from './identity.rig.js';

const pemOf = (kind: 'public' | 'private') => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem =
    kind === 'public'
      ? publicKey.export({ type: 'spki', format: 'pem' })
      : privateKey.export({ type: 'pkcs8', format: 'pem' });
  return pem.toString();
};

let rig: IdentityRig;
beforeAll(async () => {
  rig = await IdentityRig.open();
});
afterAll(() => rig.close());

describe('Service accounts in SQL', () => {
  let accounts: ServiceAccounts;
  let tokens: ServiceAccountTokens;
  let tenantId: string;
  beforeAll(async () => {
    accounts = rig.get(ServiceAccounts);
    tokens = rig.get(ServiceAccountTokens);
    const user = await rig.user('keeper');
    tenantId = await rig.get(Tenants).create(user.id, 'With accounts');
  });

  const create = (name: string, more = {}) =>
    accounts.create({ name, tenantId, scopes: ['billing:read'], ...more });
  const issue = async (accountId: string, expiresAt = new Date(Date.now() + 60_000)) => {
    const jti = randomUUID();
    await tokens.record({ jti, accountId, scopes: ['billing:read'], issuedAt: new Date(), expiresAt });
    return jti;
  };

  it('are found by name, with sorted scopes and the key as it is written here', async () => {
    const publicKey = pemOf('public').replaceAll('\n', '\r\n');
    const made = await create('invoicer', {
      scopes: ['usage:write', 'billing:read', 'usage:write'],
      publicKey,
    });
    expect(made).toMatchObject({
      name: 'invoicer',
      scopes: ['billing:read', 'usage:write'],
      publicKey: publicKey.replaceAll('\r', ''),
      disabled: false,
      tokenEpoch: 1,
    });
    expect(await accounts.byName('invoicer')).toEqual(made);
    expect(await accounts.listOf(tenantId)).toEqual([made]);
    expect(await accounts.listOf(NOBODY)).toEqual([]);
  });

  it('have a name each, also when ten want one at once', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => create('contended')));
    const refused = outcomes.flatMap((outcome): unknown[] =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    expect(refused).toEqual(Array.from({ length: 9 }, () => expect.any(NameTakenError) as unknown));
    const outside = rig.db.transaction(async (tx) => {
      await accounts.create({ name: 'contended', tenantId, scopes: ['a'] }, tx).catch(() => undefined);
      return await accounts.create({ name: 'uncontended', tenantId, scopes: ['a'] }, tx);
    });
    expect(await outside).toMatchObject({ name: 'uncontended' });
  });

  it.each([
    ['no name', { name: '' }],
    ['a name in capitals', { name: 'Invoicer' }],
    ['a name with NUL', { name: 'invo\u0000icer' }],
    ['a long name', { name: 'a'.repeat(64) }],
    ['no scope', { scopes: [] }],
    ['a scope with a space', { scopes: ['billing read'] }],
    ['a scope that no token could say', { scopes: [`${'a'.repeat(32)}:${'b'.repeat(32)}`] }],
    ['too many scopes', { scopes: Array.from({ length: 33 }, (_, at) => `scope:n${at}`) }],
    ['a private key', { publicKey: pemOf('private') }],
    [
      'a key of another kind',
      {
        publicKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
          type: 'spki',
          format: 'pem',
        }),
      },
    ],
    ['a word for a key', { publicKey: '-----BEGIN PUBLIC KEY-----\nhello\n-----END PUBLIC KEY-----' }],
    ['an empty key', { publicKey: '' }],
  ])('are not made with %s', async (_, more) => {
    await expect(create('refused', more)).rejects.toBeInstanceOf(InvalidIdentityValueError);
    expect(await accounts.byName('refused')).toBeUndefined();
  });

  it.each(NO_IDS)('are not found by %s, and nothing breaks', async (_, id) => {
    expect(await accounts.byName(id)).toBeUndefined();
    expect(await accounts.listOf(id)).toEqual([]);
    await expect(accounts.disable(id)).rejects.toBeInstanceOf(ServiceAccountNotFoundError);
    await expect(create('lost', { tenantId: id })).rejects.toBeInstanceOf(TenantNotFoundError);
    expect(await tokens.listOf(id, new Date())).toEqual([]);
    expect(await tokens.revoke(id, id)).toBe(false);
    expect(await tokens.epochFor(id)).toBeUndefined();
  });

  it('lose their tokens by revocation, by epoch and when they are disabled', async () => {
    const { id } = await create('revoked');
    const other = await create('not-revoked');
    const [first, second] = [await issue(id), await issue(id)];
    expect(await tokens.epochFor(first)).toBe(1);
    expect(await tokens.revoke(other.id, first)).toBe(false);
    expect(await tokens.revoke(id, first)).toBe(true);
    expect(await tokens.revoke(id, first)).toBe(true);
    expect([await tokens.epochFor(first), await tokens.epochFor(second)]).toEqual([undefined, 1]);
    expect(await accounts.disable(id)).toBe(2);
    expect(await accounts.disable(id)).toBe(2);
    expect(await tokens.epochFor(second)).toBeUndefined();
    expect(await accounts.byName('revoked')).toMatchObject({ disabled: true, tokenEpoch: 2 });
    await accounts.enable(id);
    expect(await accounts.byName('revoked')).toMatchObject({ disabled: false, tokenEpoch: 2 });
    expect(await tokens.epochFor(second)).toBe(2);
    const listed = await tokens.listOf(id, new Date());
    expect(listed.map(({ jti, revoked }) => [jti, revoked])).toEqual([
      [second, false],
      [first, true],
    ]);
  });

  it('get another key, and with it the end of their tokens', async () => {
    const { id } = await create('rekeyed');
    const jti = await issue(id);
    const key = pemOf('public');
    expect(await accounts.replaceKey(id, key)).toBe(2);
    expect(await tokens.epochFor(jti)).toBe(2);
    expect(await accounts.byName('rekeyed')).toMatchObject({ publicKey: key, tokenEpoch: 2 });
    for (const wrong of ['', pemOf('private')])
      await expect(accounts.replaceKey(id, wrong)).rejects.toBeInstanceOf(InvalidIdentityValueError);
    await expect(accounts.replaceKey(NOBODY, key)).rejects.toBeInstanceOf(ServiceAccountNotFoundError);
    expect(await accounts.byName('rekeyed')).toMatchObject({ publicKey: key, tokenEpoch: 2 });
  });

  it('list tokens in parts, and forget those that are over', async () => {
    const { id } = await create('lister');
    const all: string[] = [];
    for (let at = 0; at < 5; at += 1) all.unshift(await issue(id));
    const over = await issue(id, new Date(Date.now() - 1000));
    const first = await tokens.listOf(id, new Date(), { limit: 2 });
    const rest = await tokens.listOf(id, new Date(), { after: first.at(-1)?.jti });
    expect([...first, ...rest].map(({ jti }) => jti)).toEqual(all);
    const older = await issue(id, new Date(Date.now() - 2000));
    expect(await tokens.forgetBefore(new Date(), 1)).toBe(1);
    expect(await tokens.forgetBefore(new Date(), 1000)).toBe(1);
    expect(await tokens.forgetBefore(new Date(), 1000)).toBe(0);
    for (const jti of [over, older]) expect(await tokens.find(jti)).toBeUndefined();
    expect(await tokens.listOf(id, new Date(0))).toHaveLength(5);
  });
});

describe('Security events in SQL', () => {
  it('are listed newest first, in parts, to the user they are about', async () => {
    const events = rig.get(SecurityEvents);
    const { id } = await rig.user('watched');
    for (let at = 1; at <= 5; at += 1) await events.record('refresh-reuse', id, { generation: at });
    await events.record('account-locked', undefined, { tier: 20 });
    const first = await events.listOf(id, { limit: 2 });
    const rest = await events.listOf(id, { after: first.at(-1)?.id });
    expect([...first, ...rest].map(({ facts }) => facts['generation'])).toEqual([5, 4, 3, 2, 1]);
    expect(first[0]).toMatchObject({ kind: 'refresh-reuse', at: expect.any(Date) as unknown });
  });

  it('take no address and no text that somebody chose', async () => {
    const events = rig.get(SecurityEvents);
    for (const fact of ['ann@example.com', 'x'.repeat(201), 'a\nb', '🦪']) {
      await expect(events.record('account-locked', undefined, { fact })).rejects.toBeInstanceOf(RangeError);
    }
  });
});
