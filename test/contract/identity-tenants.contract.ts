import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Grants,
  InvalidIdentityValueError,
  LastOwnerError,
  NotInTenantError,
  RoleForbidsError,
  type Role,
  SecurityEvents,
  TenantFullError,
  TenantNotFoundError,
  Tenants,
  type User,
  Users,
} from '../../src/identity/index.js';
import { memberships } from '../../src/identity/identity.tables.js';
import { IdentityRig, NOBODY, NO_IDS } from './identity.rig.js';

describe('Tenants in SQL', () => {
  let rig: IdentityRig;
  let tenants: Tenants;
  let outsider: User;
  beforeAll(async () => {
    rig = await IdentityRig.open();
    tenants = rig.get(Tenants);
    outsider = await rig.user('outsider');
  });
  afterAll(() => rig.close());

  let made = 0;
  /** A tenant with one user of each role and more. */
  async function tenant<Name extends string>(roles: Readonly<Record<Name, Role>>) {
    made += 1;
    const users = {} as Record<Name, User>;
    const owner = await rig.user(`first-${made}`);
    const tenantId = await tenants.create(owner.id, `Tenant ${made}`);
    for (const [name, role] of Object.entries(roles) as [Name, Role][]) {
      const user = await rig.user(`${name}-${made}`);
      await rig.db.run((sql) => sql.insert(memberships).values({ tenantId, userId: user.id, role }));
      users[name] = user;
    }
    return { tenantId, owner, users, as: (user: User) => ({ tenantId, userId: user.id }) };
  }

  it('show nothing of themselves to who is no member, and change nothing', async () => {
    const { tenantId, owner, as } = await tenant({});
    const stranger = as(outsider);
    expect(await rig.roleIn(tenantId, outsider.id)).toBeUndefined();
    for (const attempt of [
      () => tenants.membersOf(stranger),
      () => tenants.rename(stranger, 'Mine'),
      () => tenants.changeRole(stranger, owner.id, 'member'),
      () => tenants.changeRole(stranger, outsider.id, 'owner'),
      () => tenants.remove(stranger, owner.id),
      () => tenants.remove(stranger, outsider.id),
    ]) {
      await expect(attempt()).rejects.toBeInstanceOf(TenantNotFoundError);
    }
    const own = (await tenants.membershipsOf(outsider.id))[0];
    expect(own).toMatchObject({ personal: true });
    await expect(
      tenants.remove({ tenantId: own?.tenantId ?? '', userId: outsider.id }, owner.id),
    ).rejects.toBeInstanceOf(NotInTenantError);
    expect(await rig.roleIn(tenantId, owner.id)).toBe('owner');
  });

  it.each(NO_IDS)('are not found by %s, and nothing breaks', async (_, id) => {
    const { owner, as } = await tenant({});
    expect(await tenants.membershipsOf(id)).toEqual([]);
    const actor = { tenantId: id, userId: owner.id };
    await expect(tenants.membersOf(actor)).rejects.toBeInstanceOf(TenantNotFoundError);
    await expect(tenants.remove(actor, owner.id)).rejects.toBeInstanceOf(TenantNotFoundError);
    await expect(tenants.remove(as(owner), id)).rejects.toBeInstanceOf(NotInTenantError);
  });

  it('list their members in parts, each member once', async () => {
    const { users, owner, as } = await tenant({ a: 'admin', b: 'member', c: 'member' });
    const first = await tenants.membersOf(as(users.c), { limit: 3 });
    const rest = await tenants.membersOf(as(users.c), { limit: 3, after: first.at(-1)?.userId });
    expect([first.length, rest.length]).toEqual([3, 1]);
    const ids = [...first, ...rest].map(({ userId }) => userId);
    expect(ids).toEqual([owner, ...Object.values(users)].map(({ id }) => id).sort());
    expect(await tenants.membersOf(as(owner), { after: 'no id' })).toHaveLength(4);
    for (const limit of [0, -1, Number.NaN]) {
      expect(await tenants.membersOf(as(owner), { limit })).toHaveLength(1);
    }
  });

  it.each([
    ['owner', 'owner', 'member', true],
    ['owner', 'admin', 'owner', true],
    ['admin', 'owner', 'member', false],
    ['admin', 'member', 'owner', false],
    ['admin', 'member', 'admin', true],
    ['admin', 'admin', 'member', true],
    ['member', 'member', 'admin', false],
    ['member', 'owner', 'member', false],
  ] as const)('let an %s make of an %s a %s: %s', async (own, present, wanted, allowed) => {
    const { tenantId, users, as } = await tenant({ actor: own, target: present });
    const change = tenants.changeRole(as(users.actor), users.target.id, wanted);
    expect(await refusalOf(change)).toBe(allowed ? 'none' : RoleForbidsError.name);
    expect(await rig.roleIn(tenantId, users.target.id)).toBe(allowed ? wanted : present);
  });

  it.each([
    ['owner', 'owner', true],
    ['admin', 'owner', false],
    ['admin', 'admin', true],
    ['member', 'member', false],
  ] as const)('let an %s remove an %s: %s', async (own, present, allowed) => {
    const { tenantId, users, as } = await tenant({ actor: own, target: present });
    const removal = tenants.remove(as(users.actor), users.target.id);
    expect(await refusalOf(removal)).toBe(allowed ? 'none' : RoleForbidsError.name);
    expect(await rig.roleIn(tenantId, users.target.id)).toBe(allowed ? undefined : present);
  });

  it('end the sessions of who loses a right, and of nobody else', async () => {
    const { owner, users, as } = await tenant({ up: 'member', down: 'admin', same: 'admin', gone: 'member' });
    const epochOf = (user: User) => rig.get(Users).epochOf(user.id);
    expect(await tenants.changeRole(as(owner), users.up.id, 'admin')).toBe(1);
    expect(await tenants.changeRole(as(owner), users.down.id, 'member')).toBe(2);
    expect(await tenants.changeRole(as(owner), users.same.id, 'admin')).toBe(1);
    expect(await tenants.remove(as(users.gone), users.gone.id)).toBe(2);
    expect(await Promise.all([users.up, users.down, users.same, users.gone, owner].map(epochOf))).toEqual([
      1, 2, 1, 2, 1,
    ]);
  });

  it('keep who changed what of them, or whom, with the change itself', async () => {
    const { tenantId, owner, users, as } = await tenant({ up: 'member', gone: 'admin', same: 'admin' });
    await tenants.rename(as(owner), 'Renamed');
    await tenants.changeRole(as(owner), users.up.id, 'admin');
    await tenants.changeRole(as(owner), users.same.id, 'admin');
    await tenants.remove(as(owner), users.gone.id);
    await expect(tenants.remove(as(owner), owner.id)).rejects.toBeInstanceOf(LastOwnerError);
    const kept = async ({ id }: User) =>
      (await rig.get(SecurityEvents).listOf(id)).map(({ kind, facts }) => ({ kind, facts }));
    const done = { tenant: tenantId, actor: owner.id };
    expect(await kept(owner)).toEqual([{ kind: 'tenant-renamed', facts: { tenant: tenantId } }]);
    expect(await kept(users.up)).toEqual([
      { kind: 'role-changed', facts: { ...done, from: 'member', to: 'admin' } },
    ]);
    expect(await kept(users.gone)).toEqual([{ kind: 'member-removed', facts: done }]);
    expect(await kept(users.same)).toEqual([]);
  });

  it('keep their last owner', async () => {
    const { tenantId, owner, users, as } = await tenant({ admin: 'admin' });
    await expect(tenants.remove(as(owner), owner.id)).rejects.toBeInstanceOf(LastOwnerError);
    await expect(tenants.changeRole(as(owner), owner.id, 'admin')).rejects.toBeInstanceOf(LastOwnerError);
    expect(await tenants.changeRole(as(owner), owner.id, 'owner')).toBe(1);
    await tenants.changeRole(as(owner), users.admin.id, 'owner');
    await tenants.remove(as(owner), owner.id);
    expect(await rig.roleIn(tenantId, users.admin.id)).toBe('owner');
  });

  it('leave nobody without a tenant, for who is in none could not log in', async () => {
    const grants = rig.get(Grants);
    for (let round = 0; round < 5; round += 1) {
      const leaver = await rig.user(`leaver-${round}`);
      const heir = await rig.user(`heir-${round}`);
      const personal = (await tenants.membershipsOf(leaver.id))[0]?.tenantId ?? '';
      const other = await tenants.create(leaver.id, 'Other');
      const ids = [personal, other];
      for (const tenantId of ids)
        await rig.db.run((sql) =>
          sql.insert(memberships).values({ tenantId, userId: heir.id, role: 'owner' }),
        );
      await Promise.all(ids.map((tenantId) => tenants.remove({ tenantId, userId: leaver.id }, leaver.id)));
      const left = await tenants.membershipsOf(leaver.id);
      expect(left).toMatchObject([{ personal: true, role: 'owner' }]);
      expect(ids).not.toContain(left[0]?.tenantId);
      expect((await grants.find(leaver.id))?.tenantId).toBe(left[0]?.tenantId);
    }
  });

  it('keep one owner when all of them leave at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { tenantId, owner, users, as } = await tenant({ a: 'owner', b: 'owner', c: 'owner' });
      const all = [owner, ...Object.values(users)];
      const outcomes = await Promise.allSettled([
        ...all.slice(0, 2).map((user) => tenants.remove(as(user), user.id)),
        ...all.slice(2).map((user) => tenants.changeRole(as(user), user.id, 'member')),
      ]);
      const refused = outcomes.flatMap((outcome): unknown[] =>
        outcome.status === 'rejected' ? [outcome.reason] : [],
      );
      expect(refused).toEqual([expect.any(LastOwnerError)]);
      const roles = await Promise.all(all.map(({ id }) => rig.roleIn(tenantId, id)));
      expect(roles.filter((role) => role === 'owner')).toHaveLength(1);
    }
  });

  it('have a printable name in one spelling', async () => {
    const { owner, as } = await tenant({});
    await tenants.rename(as(owner), '  Cafe\u0301 🦪 ');
    const names = async () => (await tenants.membershipsOf(owner.id)).map(({ name }) => name);
    expect(await names()).toEqual(['Caf\u00E9 🦪', 'Personal']);
    for (const name of ['', '   ', 'a\u0000b', 'a\nb', '\uD800', 'x'.repeat(101), 'x'.repeat(1_000_000)]) {
      await expect(tenants.rename(as(owner), name)).rejects.toBeInstanceOf(InvalidIdentityValueError);
      await expect(tenants.create(owner.id, name)).rejects.toBeInstanceOf(InvalidIdentityValueError);
    }
    await tenants.rename(as(owner), '🦪'.repeat(100));
    expect(await names()).toContain('🦪'.repeat(100));
  });

  it('are a hundred for one user, however many are made at once', async () => {
    const user = await rig.user('collector');
    for (let at = 2; at <= 98; at += 1) await tenants.create(user.id, `Number ${at}`);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, at) => tenants.create(user.id, `Last ${at}`)),
    );
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(4);
    expect(refused[0]).toMatchObject({ reason: expect.any(TenantFullError) as unknown });
    expect(await tenants.membershipsOf(user.id)).toHaveLength(100);
  });

  it('are of users only', async () => {
    await expect(tenants.create(NOBODY, 'Nobody’s')).rejects.toMatchObject({ status: 404 });
  });
});

async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'none';
  } catch (error) {
    return error instanceof Error ? error.name : 'no error';
  }
}
