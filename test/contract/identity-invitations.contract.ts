import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  INVITATION_MS,
  InvitationInvalidError,
  Invitations,
  InvitedAddressUnverifiedError,
  NotInTenantError,
  type Role,
  RoleForbidsError,
  SecurityEvents,
  TenantNotFoundError,
  Tenants,
  type User,
} from '../../src/identity/index.js';
import { invitations as table } from '../../src/identity/identity.tables.js';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import { IdentityRig, NO_IDS, addressOf } from './identity.rig.js';

describe('Invitations in SQL', () => {
  let rig: IdentityRig;
  let tenants: Tenants;
  let invitations: Invitations;
  let owner: User;
  let tenantId: string;
  const clock = new ManualClock(Date.now());
  beforeAll(async () => {
    rig = await IdentityRig.open();
    tenants = rig.get(Tenants);
    invitations = new Invitations(rig.db, clock, rig.get(SecurityEvents));
    owner = await rig.user('owner');
    tenantId = await tenants.create(owner.id, 'Inviting');
  });
  afterAll(() => rig.close());

  const as = (user: User) => ({ tenantId, userId: user.id });
  const invite = (name: string, role: Role = 'member', user = owner) =>
    rig.db.transaction((tx) => invitations.invite(tx, as(user), { emailKey: addressOf(name).key, role }));
  const accept = (id: string, user: User, verified = true) =>
    rig.db.transaction((tx) => invitations.accept(tx, id, { ...user, verified }));

  it('make a member of who has the address, once', async () => {
    const guest = await rig.user('guest');
    const { id, role } = await invite('GUEST', 'admin');
    expect(role).toBe('admin');
    expect(await accept(id, guest)).toEqual({ tenantId, role: 'admin' });
    expect(await accept(id, guest)).toEqual({ tenantId, role: 'admin' });
    expect(await rig.roleIn(tenantId, guest.id)).toBe('admin');
    await tenants.remove(as(owner), guest.id);
    await expect(accept(id, guest)).rejects.toBeInstanceOf(InvitationInvalidError);
  });

  it('wait for whoever has not proven the address, and say so to nobody else', async () => {
    const [guest, other] = [await rig.user('unproven'), await rig.user('unproven-other')];
    const { id } = await invite('unproven');
    await expect(accept(id, guest, false)).rejects.toBeInstanceOf(InvitedAddressUnverifiedError);
    await expect(accept(id, other, false)).rejects.toBeInstanceOf(InvitationInvalidError);
    expect(await rig.roleIn(tenantId, guest.id)).toBeUndefined();
    clock.advance(INVITATION_MS);
    await expect(accept(id, guest, false)).rejects.toBeInstanceOf(InvitationInvalidError);
    clock.advance(-INVITATION_MS);
    expect(await accept(id, guest)).toEqual({ tenantId, role: 'member' });
    await tenants.remove(as(owner), guest.id);
  });

  it('make one member of who accepts twenty times at once', async () => {
    const guest = await rig.user('eager');
    const { id } = await invite('eager');
    const answers = await Promise.all(Array.from({ length: 20 }, () => accept(id, guest)));
    expect(new Set(answers.map(({ role }) => role))).toEqual(new Set(['member']));
    expect(await tenants.membersOf(as(owner))).toHaveLength(2);
    await tenants.remove(as(owner), guest.id);
  });

  it('are worth nothing to anybody else, also not after a change of address', async () => {
    const other = await rig.user('other');
    const invited = await rig.user('invited');
    const { id } = await invite('invited');
    await expect(accept(id, other)).rejects.toBeInstanceOf(InvitationInvalidError);
    const moved = { ...invited, emailKey: addressOf('moved').key };
    await expect(accept(id, moved)).rejects.toBeInstanceOf(InvitationInvalidError);
    expect(await rig.roleIn(tenantId, other.id)).toBeUndefined();
  });

  it.each(NO_IDS)('are not found by %s, and nothing breaks', async (_, id) => {
    await expect(accept(id, owner)).rejects.toBeInstanceOf(InvitationInvalidError);
    await expect(invitations.withdraw(as(owner), id)).rejects.toBeInstanceOf(NotInTenantError);
    const actor = { tenantId: id, userId: owner.id };
    await expect(invitations.list(actor)).rejects.toBeInstanceOf(TenantNotFoundError);
  });

  it('end after seven days, when they are withdrawn, and when a newer one is sent', async () => {
    const guest = await rig.user('late');
    const first = await invite('late', 'admin');
    const second = await invite('late');
    await expect(accept(first.id, guest)).rejects.toBeInstanceOf(InvitationInvalidError);
    clock.advance(INVITATION_MS);
    await expect(accept(second.id, guest)).rejects.toBeInstanceOf(InvitationInvalidError);
    expect(await invitations.list(as(owner))).not.toContainEqual(expect.objectContaining({ id: second.id }));
    const third = await invite('late');
    clock.advance(INVITATION_MS - 1);
    expect((await invitations.list(as(owner))).map(({ id }) => id)).toEqual([third.id]);
    await invitations.withdraw(as(owner), third.id);
    await expect(accept(third.id, guest)).rejects.toBeInstanceOf(InvitationInvalidError);
    await expect(invitations.withdraw(as(owner), third.id)).rejects.toBeInstanceOf(NotInTenantError);
  });

  it('end with the membership of who sent them', async () => {
    const admin = await rig.user('leaving-admin');
    await accept((await invite('leaving-admin', 'admin')).id, admin);
    const { id } = await invite('friend-of-admin', 'member', admin);
    await tenants.remove(as(owner), admin.id);
    await expect(accept(id, await rig.user('friend-of-admin'))).rejects.toBeInstanceOf(
      InvitationInvalidError,
    );
  });

  it('are sent and seen by who may give the role', async () => {
    const admin = await rig.user('an-admin');
    const member = await rig.user('a-member');
    const stranger = await rig.user('a-stranger');
    await accept((await invite('an-admin', 'admin')).id, admin);
    await accept((await invite('a-member')).id, member);
    await expect(invite('x', 'owner', admin)).rejects.toBeInstanceOf(RoleForbidsError);
    await expect(invite('x', 'member', member)).rejects.toBeInstanceOf(RoleForbidsError);
    await expect(invite('x', 'member', stranger)).rejects.toBeInstanceOf(TenantNotFoundError);
    await expect(invitations.list(as(member))).rejects.toBeInstanceOf(RoleForbidsError);
    await expect(invitations.list(as(stranger))).rejects.toBeInstanceOf(TenantNotFoundError);
    const { id } = await invite('x', 'admin', admin);
    await expect(invitations.withdraw(as(member), id)).rejects.toBeInstanceOf(RoleForbidsError);
    await expect(invitations.withdraw(as(stranger), id)).rejects.toBeInstanceOf(TenantNotFoundError);
    const others = await tenants.create(stranger.id, 'Of the stranger');
    const elsewhere = { tenantId: others, userId: stranger.id };
    await expect(invitations.withdraw(elsewhere, id)).rejects.toBeInstanceOf(NotInTenantError);
    expect((await invitations.list(as(admin))).map((entry) => entry.id)).toContain(id);
  });

  it('make a tenant of several out of a personal one', async () => {
    const host = await rig.user('host');
    const guest = await rig.user('house-guest');
    const [personal] = await tenants.membershipsOf(host.id);
    const actor = { tenantId: personal?.tenantId ?? '', userId: host.id };
    const { id } = await rig.db.transaction((tx) =>
      invitations.invite(tx, actor, { emailKey: guest.emailKey, role: 'member' }),
    );
    expect(await tenants.membershipsOf(host.id)).toMatchObject([{ personal: true }]);
    await accept(id, guest);
    expect(await tenants.membershipsOf(host.id)).toMatchObject([{ personal: false }]);
  });

  it('are a hundred at most, of which the oldest do not count when they are over', async () => {
    const crowded = await rig.user('crowded');
    const actor = { tenantId: await tenants.create(crowded.id, 'Crowded'), userId: crowded.id };
    const send = (name: string) =>
      rig.db.transaction((tx) =>
        invitations.invite(tx, actor, { emailKey: addressOf(name).key, role: 'member' }),
      );
    const expiresAt = new Date(clock.nowMs() + 1000);
    const rows = Array.from({ length: 99 }, (_, at) => ({
      id: crypto.randomUUID(),
      tenantId: actor.tenantId,
      emailKey: `crowd-${at}@example.com`,
      role: 'member' as const,
      expiresAt,
    }));
    await rig.db.run((sql) => sql.insert(table).values(rows));
    const outcomes = await Promise.allSettled(['p', 'q', 'r'].map(send));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await expect(send('s')).rejects.toMatchObject({ status: 409, slug: 'tenant-full' });
    await send('crowd-1');
    clock.advance(1000);
    await send('s');
  });
});
