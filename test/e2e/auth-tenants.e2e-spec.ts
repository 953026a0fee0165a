import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { type Answer, textOf } from './auth/caller.js';
import { AuthHouse } from './auth/house.js';
import { Person, VERIFY_SUBJECT } from './auth/person.js';

const INVITED = 'You are invited';

/** Somebody who owns a tenant, and is logged in for it. */
interface Owner {
  readonly person: Person;
  readonly tenantId: string;
  readonly access: string;
  readonly invitationId: string;
}

describeReal('Tenants', () => {
  let house: AuthHouse;
  beforeAll(async () => {
    house = await AuthHouse.open();
  });
  afterAll(() => house.close());

  const invite = (owner: Pick<Owner, 'person' | 'tenantId' | 'access'>, email: string, role = 'member') =>
    owner.person.post(`/v1/tenants/${owner.tenantId}/invitations`, { email, role }, owner.access);
  /** Invites somebody and has them accept. @returns the member's access token for that tenant */
  const join = async (owner: Owner, guest: Person, role = 'member'): Promise<string> => {
    expect((await invite(owner, guest.email, role)).status).toBe(202);
    const token = await house.mailedToken(guest.email, INVITED);
    const { access } = await guest.login();
    const accepted = await guest.post('/v1/invitations/accept', { token }, access);
    expect(accepted).toMatchObject({ status: 200, body: { tenant_id: owner.tenantId, role } });
    return (await guest.login({ tenant_id: owner.tenantId })).access;
  };
  const newOwner = async (name: string): Promise<Owner> => {
    const person = await Person.verified(house);
    const first = await person.login();
    const tenantId = textOf(await person.post('/v1/tenants', { name }, first.access), 'id');
    const { access } = await person.login({ tenant_id: tenantId });
    const invited = await invite({ person, tenantId, access }, `guest-of-${name}@example.org`);
    return { person, tenantId, access, invitationId: textOf(invited, 'id') };
  };
  /** All that its owner sees of a tenant. */
  const stateOf = async ({ person, tenantId, access }: Owner): Promise<unknown[]> => {
    const seen = await Promise.all(
      ['/v1/tenants', `/v1/tenants/${tenantId}/members`, `/v1/tenants/${tenantId}/invitations`].map((path) =>
        person.get(path, access),
      ),
    );
    expect(seen.map(({ status }) => status)).toEqual([200, 200, 200]);
    return seen.map(({ body }) => body);
  };

  it('show and change nothing of one another, pair by pair', async () => {
    const owners = [await newOwner('Harbour'), await newOwner('Lagoon')] as const;
    const before = await Promise.all(owners.map(stateOf));
    for (const [mine, theirs] of [owners, [...owners].reverse() as unknown as typeof owners]) {
      const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
        mine.person.call(path, { method, token: mine.access, ...(body === undefined ? {} : { body }) });
      const theirTenant = `/v1/tenants/${theirs.tenantId}`;
      const myTenant = `/v1/tenants/${mine.tenantId}`;
      const foreignPaths: [string, string, unknown?][] = [
        ['PATCH', theirTenant, { name: 'Mine now' }],
        ['GET', `${theirTenant}/members`],
        ['PATCH', `${theirTenant}/members/${theirs.person.userId}`, { role: 'member' }],
        ['PATCH', `${theirTenant}/members/${mine.person.userId}`, { role: 'owner' }],
        ['DELETE', `${theirTenant}/members/${theirs.person.userId}`],
        ['POST', `${theirTenant}/invitations`, { email: mine.person.email, role: 'owner' }],
        ['GET', `${theirTenant}/invitations`],
        ['DELETE', `${theirTenant}/invitations/${theirs.invitationId}`],
      ];
      for (const [method, path, body] of foreignPaths)
        expect([method, path, (await call(method, path, body)).status]).toEqual([method, path, 403]);
      // The id of the own tenant in the path, and of somebody else's things in it.
      const foreignIds: [string, string, unknown?][] = [
        ['PATCH', `${myTenant}/members/${theirs.person.userId}`, { role: 'member' }],
        ['DELETE', `${myTenant}/members/${theirs.person.userId}`],
        ['DELETE', `${myTenant}/invitations/${theirs.invitationId}`],
      ];
      for (const [method, path, body] of foreignIds)
        expect([method, path, (await call(method, path, body)).status]).toEqual([method, path, 404]);
      // A cursor of somebody else is a place in the order of ids, and shows nothing.
      const cursors = [
        `${myTenant}/members?cursor=${theirs.person.userId}`,
        `${myTenant}/invitations?cursor=${theirs.invitationId}`,
      ];
      for (const path of cursors)
        expect(JSON.stringify((await call('GET', path)).body)).not.toContain(theirs.person.email);
      const switched = await mine.person.post('/v1/auth/tenant', { tenant_id: theirs.tenantId }, mine.access);
      expect(switched.status).toBe(403);
    }
    expect(await Promise.all(owners.map(stateOf))).toEqual(before);
  });

  it('take an invited member in, who sees them; only the invited address may accept', async () => {
    const owner = await newOwner('Orchard');
    const [guest, other] = [await Person.verified(house), await Person.verified(house)];
    expect((await invite(owner, guest.email)).status).toBe(202);
    const token = await house.mailedToken(guest.email, INVITED);
    const { access: others } = await other.login();
    expect(await other.post('/v1/invitations/accept', { token }, others)).toMatchObject({
      status: 400,
      problem: 'invalid-or-expired-token',
    });
    expect((await guest.post('/v1/invitations/accept', { token })).status).toBe(401);
    const { access } = await guest.login();
    const accepted = await guest.post('/v1/invitations/accept', { token }, access);
    expect(accepted).toMatchObject({ status: 200, body: { tenant_id: owner.tenantId, role: 'member' } });
    expect((await guest.post('/v1/invitations/accept', { token }, access)).status).toBe(400);
    expect((await guest.get('/v1/tenants', access)).body.tenants).toContainEqual({
      id: owner.tenantId,
      name: 'Orchard',
      personal: false,
      role: 'member',
    });
    const member = await guest.post('/v1/auth/tenant', { tenant_id: owner.tenantId }, access);
    const inside = textOf(member, 'access_token');
    const members = await guest.get(`/v1/tenants/${owner.tenantId}/members`, inside);
    const inIt = members.body.members as { email: string; role: string }[];
    expect(inIt).toHaveLength(2);
    expect(Object.fromEntries(inIt.map(({ email, role }) => [email, role]))).toEqual({
      [guest.email]: 'member',
      [owner.person.email]: 'owner',
    });
    // A member looks, and changes nothing.
    expect(
      (
        await guest.post(
          `/v1/tenants/${owner.tenantId}/invitations`,
          { email: 'x@example.org', role: 'member' },
          inside,
        )
      ).status,
    ).toBe(403);
    expect(
      (
        await guest.call(`/v1/tenants/${owner.tenantId}`, {
          method: 'PATCH',
          body: { name: 'Mine' },
          token: inside,
        })
      ).status,
    ).toBe(403);
    const expel = await guest.call(`/v1/tenants/${owner.tenantId}/members/${owner.person.userId}`, {
      method: 'DELETE',
      token: inside,
    });
    expect(expel.status).toBe(403);
  });

  it('tell the invited to confirm the address first, nobody else, and keep the invitation', async () => {
    const owner = await newOwner('Thicket');
    const [guest, other] = [await Person.registered(house), await Person.registered(house)];
    expect((await invite(owner, guest.email)).status).toBe(202);
    const token = await house.mailedToken(guest.email, INVITED);
    const accept = async (person: Person, what = token) =>
      person.post('/v1/invitations/accept', { token: what }, (await person.login()).access);
    const early = await accept(guest);
    expect(early).toMatchObject({ status: 403, problem: 'email-not-verified' });
    expect(early.body.detail).toBe('Confirm your e-mail address first; the invitation stays valid.');
    const useless = { status: 400, problem: 'invalid-or-expired-token' };
    expect(await accept(other)).toMatchObject(useless);
    expect(await accept(guest, 'made-up')).toMatchObject(useless);
    const proof = await house.mailedToken(guest.email, VERIFY_SUBJECT);
    expect((await guest.post('/v1/auth/email/verify', { token: proof })).status).toBe(200);
    expect(await accept(guest)).toMatchObject({ status: 200, body: { tenant_id: owner.tenantId } });
  });

  it('forget an invitation that was withdrawn', async () => {
    const owner = await newOwner('Meadow');
    const guest = await Person.verified(house);
    const invited = await invite(owner, guest.email);
    const token = await house.mailedToken(guest.email, INVITED);
    const path = `/v1/tenants/${owner.tenantId}/invitations/${textOf(invited, 'id')}`;
    const withdraw = () => owner.person.call(path, { method: 'DELETE', token: owner.access });
    expect((await withdraw()).status).toBe(204);
    expect((await withdraw()).status).toBe(404);
    const { userId } = owner.person;
    const said = { result: 'ok', user_id: userId, tenant_id: owner.tenantId };
    expect(house.events('invitation-withdraw')).toEqual([expect.objectContaining(said)]);
    expect(await house.first.eventsOf(userId)).toContain('invitation-withdrawn');
    const { access } = await guest.login();
    expect((await guest.post('/v1/invitations/accept', { token }, access)).status).toBe(400);
  });

  it('keep their last owner, and end the sessions of whoever loses a right', async () => {
    const owner = await newOwner('Quarry');
    const guest = await Person.verified(house);
    const inside = await join(owner, guest, 'admin');
    const own = `/v1/tenants/${owner.tenantId}/members/${owner.person.userId}`;
    const leave = await owner.person.call(own, { method: 'DELETE', token: owner.access });
    expect(leave).toMatchObject({ status: 409, problem: 'last-owner' });
    const lower = await owner.person.call(own, {
      method: 'PATCH',
      body: { role: 'member' },
      token: owner.access,
    });
    expect(lower).toMatchObject({ status: 409, problem: 'last-owner' });
    // An admin makes nobody an owner, not even of the own self.
    const theirs = `/v1/tenants/${owner.tenantId}/members/${guest.userId}`;
    const rise = await guest.call(theirs, { method: 'PATCH', body: { role: 'owner' }, token: inside });
    expect(rise.status).toBe(403);
    const change = (role: string) =>
      owner.person.call(theirs, { method: 'PATCH', body: { role }, token: owner.access });
    expect((await change('member')).status).toBe(204);
    const done = { user_id: guest.userId, actor_id: owner.person.userId, tenant_id: owner.tenantId };
    expect(house.events('role-change').at(-1)).toMatchObject(done);
    expect((await guest.me(inside)).status).toBe(401);
    const again = await guest.login({ tenant_id: owner.tenantId });
    expect((await owner.person.call(theirs, { method: 'DELETE', token: owner.access })).status).toBe(204);
    expect(house.events('member-remove').at(-1)).toMatchObject(done);
    expect((await guest.me(again.access)).status).toBe(401);
    expect((await guest.attempt({ tenant_id: owner.tenantId })).status).toBe(401);
    expect((await guest.attempt()).status).toBe(200);
    expect((await owner.person.me(owner.access)).status).toBe(200);
  });

  it('know a member by an id in capital letters as well, and end the sessions all the same', async () => {
    const owner = await newOwner('Capital');
    const guest = await Person.verified(house);
    const pathOf = ({ userId }: Person) => `/v1/tenants/${owner.tenantId}/members/${userId.toUpperCase()}`;
    const admin = await join(owner, guest, 'admin');
    const change = { method: 'PATCH', body: { role: 'member' }, token: owner.access };
    expect((await owner.person.call(pathOf(guest), change)).status).toBe(204);
    expect((await guest.me(admin)).status).toBe(401);
    const { access: member } = await guest.login({ tenant_id: owner.tenantId });
    const remove = { method: 'DELETE', token: owner.access };
    expect((await owner.person.call(pathOf(guest), remove)).status).toBe(204);
    expect((await guest.me(member)).status).toBe(401);
    // One's own membership, too.
    const leaver = await Person.verified(house);
    const token = await join(owner, leaver);
    expect((await leaver.call(pathOf(leaver), { method: 'DELETE', token })).status).toBe(204);
    expect((await leaver.me(token)).status).toBe(401);
  });

  it('let one of two owners go who leave at once', async () => {
    const owner = await newOwner('Summit');
    const guest = await Person.verified(house);
    const inside = await join(owner, guest, 'owner');
    const leave = (person: Person, token: string) =>
      person.call(`/v1/tenants/${owner.tenantId}/members/${person.userId}`, { method: 'DELETE', token });
    const answers = await Promise.all([leave(owner.person, owner.access), leave(guest, inside)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 409]);
  });
});
