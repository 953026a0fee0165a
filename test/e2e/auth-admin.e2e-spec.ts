import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { describeReal } from '../support/redis-availability.js';
import { Caller } from './auth/caller.js';
import { AuthHouse } from './auth/house.js';
import { type Login, Person, RESET_SUBJECT } from './auth/person.js';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const ACTS = ['password-reset', 'unlock', 'disable', 'enable', 'sessions/revoke'] as const;

describeReal('Administrators', () => {
  let house: AuthHouse;
  let root: Person;
  let user: Person;
  let login: Login;
  /** Where the administrator works; each test has another address, since requests are limited by address. */
  let desk: Caller;
  let rights = '';
  beforeAll(async () => {
    house = await AuthHouse.open();
    root = await Person.administrator(house);
    rights = (await root.login()).access;
  });
  afterAll(() => house.close());
  beforeEach(async () => {
    user = await Person.verified(house);
    login = await user.login();
    desk = new Caller(house.first);
  });

  const act = (name: (typeof ACTS)[number], id = user.userId, reason: unknown = 'support') =>
    desk.post(`/v1/admin/users/${id}/${name}`, { reason }, rights);

  it('start a reset, and never choose the password', async () => {
    expect((await act('password-reset')).status).toBe(202);
    const token = await house.mailedToken(user.email, RESET_SUBJECT);
    expect((await user.attempt()).status).toBe(200);
    const confirm = { token, new_password: 'harbour violin moss' };
    expect((await user.post('/v1/auth/password/confirm', confirm)).status).toBe(204);
    expect((await user.attempt({ password: confirm.new_password })).status).toBe(200);
    expect(await house.first.eventsOf(user.userId)).toEqual([
      'password-reset',
      'password-reset-started',
      'email-verified',
    ]);
  });

  it('lift a lock', async () => {
    for (let at = 0; at < 5; at += 1) await user.attempt({ password: 'wrong' });
    expect((await user.attempt()).status).toBe(401);
    expect((await act('unlock')).status).toBe(204);
    expect((await user.attempt()).status).toBe(200);
    expect(await house.first.eventsOf(user.userId)).toContain('account-unlocked');
  });

  it('disable an account at once, and enable it without its sessions', async () => {
    expect((await act('disable')).status).toBe(204);
    expect((await user.me(login.access)).status).toBe(401);
    expect((await user.refresh(login.refresh)).status).toBe(401);
    expect(await user.attempt()).toMatchObject({ status: 403, problem: 'account-disabled' });
    expect((await act('disable')).status).toBe(204);
    expect((await act('enable')).status).toBe(204);
    expect((await user.me(login.access)).status).toBe(401);
    expect((await user.refresh(login.refresh)).status).toBe(401);
    expect((await user.attempt()).status).toBe(200);
  });

  it('mail no way into a disabled account', async () => {
    expect((await act('disable')).status).toBe(204);
    const mails = await house.first.mailCount();
    expect(await act('password-reset')).toMatchObject({ status: 403, problem: 'account-disabled' });
    expect(await house.first.mailCount()).toBe(mails);
    expect((await user.attempt()).status).toBe(403);
  });

  it('end the sessions of an account', async () => {
    expect((await act('sessions/revoke')).status).toBe(204);
    expect((await user.me(login.access)).status).toBe(401);
    expect((await user.refresh(login.refresh)).status).toBe(401);
    expect((await user.attempt()).status).toBe(200);
    expect(house.events('admin-revoke')).toMatchObject([
      { result: 'ok', reason: 'support', user_id: user.userId, actor_id: root.userId },
    ]);
  });

  it('do nothing that cannot be kept', async () => {
    const db = house.first.app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    for (let at = 0; at < 5; at += 1) await user.attempt({ password: 'wrong' });
    const before = await house.first.mailCount();
    await db.run((sql) => sql.execute('alter table security_events rename to security_events_away'));
    for (const name of ACTS) expect([name, (await act(name)).status]).toEqual([name, 500]);
    await db.run((sql) => sql.execute('alter table security_events_away rename to security_events'));
    expect(await house.first.mailCount()).toBe(before);
    expect((await user.me(login.access)).status).toBe(200);
    // Locked as before.
    expect((await user.attempt()).status).toBe(401);
    expect(await house.first.eventsOf(user.userId)).toEqual(['email-verified']);
  });

  it('are the only ones who may', async () => {
    for (const name of ACTS) {
      const path = `/v1/admin/users/${root.userId}/${name}`;
      const refused = await user.post(path, { reason: 'support' }, login.access);
      expect([name, refused.status, refused.problem]).toEqual([name, 403, 'forbidden']);
      expect((await user.post(path, { reason: 'support' })).status).toBe(401);
    }
    expect((await root.attempt()).status).toBe(200);
    expect(await house.first.eventsOf(root.userId)).toEqual(['administrator-granted', 'email-verified']);
  });

  it.each(ACTS)('say what is wrong with %s', async (name) => {
    expect((await act(name, NOBODY)).status).toBe(404);
    for (const id of ['none', '%00', '__proto__', "'"])
      expect([id, (await act(name, id)).status]).toEqual([id, 404]);
    for (const reason of ['because', '', null, 7, ['support'], { support: 1 }])
      expect([reason, (await act(name, user.userId, reason)).status]).toEqual([reason, 422]);
    expect((await user.me(login.access)).status).toBe(200);
  });
});
