import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Administrators,
  Passwords,
  SecurityEvents,
  Tenants,
  UserNotFoundError,
  Users,
} from '../../src/identity/index.js';
import { IdentityRig, NOBODY, NO_IDS, PASSWORD, addressOf } from './identity.rig.js';

describe('Users in SQL', () => {
  let rig: IdentityRig;
  let users: Users;
  beforeAll(async () => {
    rig = await IdentityRig.open();
    users = rig.get(Users);
  });
  afterAll(() => rig.close());

  it('begin unverified, with a personal tenant of which they are the owner', async () => {
    const user = await rig.user('Ann.First');
    expect(user).toMatchObject({
      email: 'Ann.First@example.com',
      emailKey: 'ann.first@example.com',
      verified: false,
      disabled: false,
      tokenEpoch: 1,
    });
    expect(await rig.get(Tenants).membershipsOf(user.id)).toEqual([
      expect.objectContaining({ personal: true, role: 'owner' }),
    ]);
    expect(await users.byId(user.id)).toEqual(user);
    expect(await users.byEmailKey('ann.first@example.com')).toEqual(user);
    expect(await rig.get(Passwords).verify(user.id, PASSWORD)).toBe('match');
  });

  it('are found once, however often and in whatever spelling they register', async () => {
    const first = await rig.user('twice');
    const address = { email: 'TWICE@example.com', key: 'twice@example.com' };
    const phc = await rig.get(Passwords).hashNew('another oyster hill', address.key);
    const again = await rig.db.transaction((tx) => users.register(tx, address, phc));
    expect(again).toEqual({ user: first, created: false });
    expect(await rig.get(Passwords).verify(first.id, 'another oyster hill')).toBe('mismatch');
  });

  it('are one user after twenty registered one address at once', async () => {
    const address = addressOf('race');
    const phc = await rig.get(Passwords).hashNew(PASSWORD, address.key);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => rig.db.transaction((tx) => users.register(tx, address, phc))),
    );
    expect(outcomes.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(outcomes.map(({ user }) => user.id)).size).toBe(1);
    expect(await rig.get(Tenants).membershipsOf(outcomes[0]?.user.id ?? '')).toHaveLength(1);
  });

  it('are not there when the transaction that registers them fails', async () => {
    const address = addressOf('rolled-back');
    const phc = await rig.get(Passwords).hashNew(PASSWORD, address.key);
    const failing = rig.db.transaction(async (tx) => {
      await users.register(tx, address, phc);
      throw new Error('the mail could not be written');
    });
    await expect(failing).rejects.toThrow('the mail could not be written');
    expect(await users.byEmailKey(address.key)).toBeUndefined();
  });

  it('count every end of their sessions, also when many ask at once', async () => {
    const { id } = await rig.user('epochs');
    const epochs = await Promise.all(Array.from({ length: 20 }, () => users.bumpEpoch(id)));
    expect([...epochs].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at + 2));
    expect(await users.epochOf(id)).toBe(21);
  });

  it('lose every session when they are disabled, and none a second time', async () => {
    const { id } = await rig.user('disabled');
    expect(await users.disable(id)).toBe(2);
    expect(await users.disable(id)).toBe(2);
    expect(await users.byId(id)).toMatchObject({ disabled: true });
    expect(await users.epochOf(id)).toBeUndefined();
    await users.enable(id);
    expect(await users.byId(id)).toMatchObject({ disabled: false });
    expect(await users.epochOf(id)).toBe(2);
  });

  it('verify the address that they have, and no other', async () => {
    const { id, emailKey } = await rig.user('verifies');
    const verify = (key: string) => rig.db.transaction((tx) => users.verifyEmail(tx, id, key));
    expect(await verify('somebody-else@example.com')).toBe(false);
    expect(await users.byId(id)).toMatchObject({ verified: false });
    expect(await verify(emailKey)).toBe(true);
    expect(await verify(emailKey)).toBe(true);
    expect(await users.byId(id)).toMatchObject({ verified: true });
  });

  it('change their address to one that nobody has', async () => {
    const { id } = await rig.user('moves');
    const { email } = await rig.user('stays');
    const change = (name: string) =>
      rig.db.transaction(async (tx) => {
        const outcome = await users.changeEmail(tx, id, addressOf(name));
        // The caller's transaction goes on, whatever came of it.
        await users.bumpEpoch(id, tx);
        return outcome;
      });
    expect(await change('STAYS')).toBe('taken');
    expect(await users.byId(id)).toMatchObject({ emailKey: 'moves@example.com', tokenEpoch: 2 });
    expect(await change('Moved')).toBe('changed');
    expect(await users.byId(id)).toMatchObject({
      email: 'Moved@example.com',
      emailKey: 'moved@example.com',
      verified: true,
      tokenEpoch: 3,
    });
    expect(await users.byEmailKey(email)).toBeDefined();
    expect(await users.byEmailKey('moves@example.com')).toBeUndefined();
    expect(await rig.db.transaction((tx) => users.changeEmail(tx, NOBODY, addressOf('nobody')))).toBe(
      'unknown',
    );
  });

  it('lose the failures of their logins with the transaction', async () => {
    const { id, lockoutEpoch } = await rig.user('locked');
    expect(lockoutEpoch).toBe(1);
    const undone = rig.db.transaction(async (tx) => {
      await users.forgetFailures(tx, id);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await users.byId(id)).toMatchObject({ lockoutEpoch: 1 });
    await rig.db.transaction((tx) => users.forgetFailures(tx, id));
    expect(await users.byId(id)).toMatchObject({ lockoutEpoch: 2, tokenEpoch: 1, deviceEpoch: 1 });
    await expect(rig.db.transaction((tx) => users.forgetFailures(tx, NOBODY))).rejects.toBeInstanceOf(
      UserNotFoundError,
    );
  });

  it('give one address to one of ten who change to it at once', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, (_, at) => rig.user(`many-${at}`)));
    const outcomes = await Promise.all(
      all.map(({ id }) => rig.db.transaction((tx) => users.changeEmail(tx, id, addressOf('wanted')))),
    );
    expect([...outcomes].sort()).toEqual(['changed', ...Array.from({ length: 9 }, () => 'taken')]);
  });

  it.each(NO_IDS)('are not found by %s, and nothing breaks', async (_, id) => {
    expect(await users.byId(id)).toBeUndefined();
    expect(await users.epochOf(id)).toBeUndefined();
    expect(await rig.db.transaction((tx) => users.verifyEmail(tx, id, 'x'))).toBe(false);
    expect(await rig.db.transaction((tx) => users.changeEmail(tx, id, addressOf('x')))).toBe('unknown');
    await expect(users.bumpEpoch(id)).rejects.toBeInstanceOf(UserNotFoundError);
    await expect(users.disable(id)).rejects.toBeInstanceOf(UserNotFoundError);
    expect(await rig.get(Administrators).has(id)).toBe(false);
  });

  it('become administrators once, and are logged out when they are none any more', async () => {
    const administrators = rig.get(Administrators);
    const { id } = await rig.user('rules');
    const within = rig.db.transaction.bind(rig.db);
    expect(await administrators.has(id)).toBe(false);
    expect(await within((tx) => administrators.grant(tx, id, 'command line'))).toBe(true);
    expect(await within((tx) => administrators.grant(tx, id, 'command line'))).toBe(false);
    expect(await administrators.has(id)).toBe(true);
    expect(await within((tx) => administrators.revoke(tx, id, 'command line'))).toBe(2);
    expect(await within((tx) => administrators.revoke(tx, id, 'command line'))).toBeUndefined();
    expect(await administrators.has(id)).toBe(false);
    expect((await rig.get(SecurityEvents).listOf(id)).map(({ kind, facts }) => [kind, facts])).toEqual([
      ['administrator-revoked', { by: 'command line' }],
      ['administrator-granted', { by: 'command line' }],
    ]);
  });
});
