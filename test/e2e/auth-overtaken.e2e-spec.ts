import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import pg from 'pg';
import { freshDatabase } from '../support/postgres.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { type Answer, Caller } from './auth/caller.js';
import { AuthHouse } from './auth/house.js';
import { type Login, Person } from './auth/person.js';

const CHANGE_SUBJECT = 'Confirm your new e-mail address';
const OWN = 'lantern oyster hill';
const OF_A_THIEF = 'harbour violin moss';
const OF_THE_OWNER = 'copper meadow whistle';

describeReal('A new password that waits to be hashed while what allowed it comes to its end', () => {
  let house: AuthHouse;
  let holder: pg.Client;
  let root: string;
  let owner: Person;
  let here: Login;
  let elsewhere: Login;
  beforeAll(async () => {
    const databaseUrl = await freshDatabase();
    house = await AuthHouse.open({ databaseUrl });
    holder = new pg.Client({ connectionString: databaseUrl });
    await holder.connect();
    root = (await (await Person.administrator(house)).login()).access;
  });
  afterAll(async () => {
    await holder?.end();
    await house?.close();
  });
  beforeEach(async () => {
    owner = await Person.verified(house);
    [here, elsewhere] = [await owner.login(), await owner.login()];
  });

  const confirm = (token: string, password: string) =>
    new Caller(house.first).post('/v1/auth/password/confirm', { token, new_password: password });
  const change = (password: string) =>
    owner.post('/v1/auth/password/change', { current_password: OWN, new_password: password }, here.access);
  const administrate = (act: string) => () =>
    new Caller(house.first).post(`/v1/admin/users/${owner.userId}/${act}`, { reason: 'compromise' }, root);

  /** Statements that wait for somebody's lock. */
  const waiting = async () =>
    Number((await holder.query('select count(*) from pg_locks where not granted')).rows[0]?.count);

  /** Keeps whoever was let in from writing the password, as a full hash queue does for seconds, until `act` is done. */
  async function overtaken(begin: () => Promise<Answer>, act: () => Promise<Answer>): Promise<Answer> {
    await holder.query('begin');
    await holder.query('select 1 from credentials where user_id = $1 for update', [owner.userId]);
    const begun = begin();
    await waitFor(async () => (await waiting()) > 0, { what: 'the password to be written' });
    const { status } = await act();
    await holder.query('commit');
    expect([200, 202, 204]).toContain(status);
    return begun;
  }

  const ends: readonly [string, () => Promise<Answer>][] = [
    ['an administrator disables the account', administrate('disable')],
    ['an administrator ends its sessions', administrate('sessions/revoke')],
    ['the owner logs out everywhere', () => owner.post('/v1/auth/logout/all', undefined, elsewhere.access)],
  ];
  const endsOfASession: readonly [string, () => Promise<Answer>][] = [
    [
      'the owner ends the session',
      () => owner.call(`/v1/auth/sessions/${here.sessionId}`, { method: 'DELETE', token: elsewhere.access }),
    ],
    [
      'the owner logs out the others',
      () => owner.post('/v1/auth/logout/others', undefined, elsewhere.access),
    ],
  ];

  it.each([...ends, ...endsOfASession])('does not come by the old one when %s', async (_what, act) => {
    const answer = await overtaken(() => change(OF_A_THIEF), act);
    expect([answer.status, answer.problem]).toEqual([401, 'invalid-token']);
    await administrate('enable')();
    expect((await owner.attempt({ password: OF_A_THIEF })).status).toBe(401);
    expect((await owner.attempt()).status).toBe(200);
  });

  it.each(ends)('does not come by a reset when %s', async (_what, act) => {
    const token = await owner.resetToken();
    const answer = await overtaken(() => confirm(token, OF_A_THIEF), act);
    expect([answer.status, answer.problem]).toEqual([400, 'invalid-or-expired-token']);
    await administrate('enable')();
    expect((await owner.attempt({ password: OF_A_THIEF })).status).toBe(401);
    expect((await owner.attempt()).status).toBe(200);
  });

  it('does not come by a reset that was mailed to the address before', async () => {
    const token = await owner.resetToken();
    const address = `new.${owner.email}`;
    await owner.post('/v1/auth/email/change', { new_email: address, password: OWN }, here.access);
    const proof = await house.mailedToken(address, CHANGE_SUBJECT);
    const answer = await overtaken(
      () => confirm(token, OF_A_THIEF),
      () => owner.post('/v1/auth/email/verify', { token: proof }),
    );
    expect([answer.status, answer.problem]).toEqual([400, 'invalid-or-expired-token']);
    expect((await owner.attempt({ email: address, password: OF_A_THIEF })).status).toBe(401);
    expect((await owner.attempt({ email: address })).status).toBe(200);
  });

  it('is not that of a thief, who knows the old one, when the owner comes first by a reset', async () => {
    const token = await owner.resetToken();
    await holder.query('begin');
    await holder.query('select 1 from credentials where user_id = $1 for update', [owner.userId]);
    const ofOwner = confirm(token, OF_THE_OWNER);
    await waitFor(async () => (await waiting()) === 1, { what: "the owner's password to be written" });
    const ofThief = change(OF_A_THIEF);
    await waitFor(async () => (await waiting()) === 2, { what: "the thief's password to be written" });
    await holder.query('commit');
    expect((await ofOwner).status).toBe(204);
    expect([(await ofThief).status, (await ofThief).problem]).toEqual([401, 'invalid-token']);
    expect((await owner.attempt({ password: OF_A_THIEF })).status).toBe(401);
    expect((await owner.attempt({ password: OF_THE_OWNER })).status).toBe(200);
  });
});
