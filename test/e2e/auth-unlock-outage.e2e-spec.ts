import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { Users } from '../../src/identity/index.js';
import { describeReal } from '../support/redis-availability.js';
import type { RedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { Caller } from './auth/caller.js';
import { AuthHouse } from './auth/house.js';
import { Person } from './auth/person.js';

const NEW_PASSWORD = 'harbour violin moss';
const HOUR_MS = 3_600_000;

interface Fault {
  readonly begin: (server: RedisServer) => unknown;
  readonly end: (server: RedisServer) => unknown;
}

const TAKES_NO_WRITE: Fault = {
  begin: (server) => server.admin().config('SET', 'min-replicas-to-write', '1'),
  end: (server) => server.admin().config('SET', 'min-replicas-to-write', '0'),
};

/** It keeps what it has, and takes nothing. */
const FAULTS: Readonly<Record<string, Fault>> = {
  'does not answer': { begin: (server) => server.freeze(), end: (server) => server.thaw() },
  'is a replica for a while': {
    begin: (server) => server.admin().replicaof('127.0.0.1', '1'),
    end: (server) => server.admin().replicaof('NO', 'ONE'),
  },
  'takes no write': TAKES_NO_WRITE,
};

describeReal('A lock that is lifted while authCache cannot be told', () => {
  let house: AuthHouse;
  let root: Person;
  let rights = '';
  let person: Person;
  beforeAll(async () => {
    house = await AuthHouse.open({ separate: true, env: { AUTH_CACHE_REDIS_COMMAND_MS: '1s' } });
    root = await Person.administrator(house);
    rights = (await root.login()).access;
  });
  afterAll(() => house.close());
  beforeEach(async () => {
    person = await Person.verified(house);
  });

  const server = () => house.redis('AUTH_CACHE');
  const isBack = () =>
    waitFor(async () => (await new Caller(house.first).get('/readyz/authCache')).status === 200, {
      what: 'authCache to be back',
      timeoutMs: 20_000,
      intervalMs: 25,
    });
  /** By one failure that counts as fifty: a person's address has ten attempts at once. */
  const lock = async () => {
    const redis = server().admin();
    const records = () => redis.keys('auth:{lo:*');
    // Of logins before, which were right.
    await redis.del(...(await records()));
    await person.attempt({ password: 'wrong' });
    const [key = ''] = await records();
    await redis.hset(key, { failures: 50, until: Date.now() + 3 * HOUR_MS });
    expect((await person.attempt()).status).toBe(401);
  };
  const unlock = () => root.post(`/v1/admin/users/${person.userId}/unlock`, { reason: 'support' }, rights);

  it.each(Object.entries(FAULTS))('holds no more after a reset, where it %s', async (_, { begin, end }) => {
    await lock();
    const token = await person.resetToken();
    await begin(server());
    const confirm = { token, new_password: NEW_PASSWORD };
    expect((await person.post('/v1/auth/password/confirm', confirm)).status).toBe(204);
    await end(server());
    await isBack();
    expect((await person.attempt({ password: NEW_PASSWORD })).status).toBe(200);
    // It is a new count, and not none.
    for (let at = 0; at < 5; at += 1) await person.attempt({ password: 'wrong' });
    expect((await person.attempt({ password: NEW_PASSWORD })).status).toBe(401);
  });

  it('holds no more where an administrator was told so', async () => {
    await lock();
    await TAKES_NO_WRITE.begin(server());
    const told = await unlock();
    await TAKES_NO_WRITE.end(server());
    await isBack();
    expect(told.status).toBe(204);
    expect((await person.attempt()).status).toBe(200);
    expect(await house.first.eventsOf(person.userId)).toContain('account-unlocked');
  });

  it('holds on where an administrator was told that it could not be lifted', async () => {
    await lock();
    const db = house.first.app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    await db.run((sql) => sql.execute('alter table security_events rename to security_events_away'));
    const told = await unlock();
    await db.run((sql) => sql.execute('alter table security_events_away rename to security_events'));
    expect(told.status).toBe(500);
    expect((await person.attempt()).status).toBe(401);
    expect((await unlock()).status).toBe(204);
    expect((await person.attempt()).status).toBe(200);
  });

  it('is not that of whoever opens an account at an address which strangers have tried before', async () => {
    const newcomer = new Person(house);
    for (let at = 0; at < 7; at += 1)
      expect((await newcomer.attempt({ password: 'wrong' })).status).toBe(401);
    expect((await newcomer.register()).status).toBe(202);
    expect((await newcomer.attempt()).status).toBe(200);
  });

  it('goes with the account, and not to whoever opens another one at the address that it had', async () => {
    await lock();
    const moved = `moved-${person.email}`;
    const db = house.first.app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    const users = house.first.app.get(Users, { strict: false });
    const address = { email: moved, key: moved };
    expect(await db.transaction((tx) => users.changeEmail(tx, person.userId, address))).toBe('changed');
    expect((await person.register()).status).toBe(202);
    expect((await person.attempt()).status).toBe(200);
    expect((await person.attempt({ email: moved })).status).toBe(401);
  });
});
