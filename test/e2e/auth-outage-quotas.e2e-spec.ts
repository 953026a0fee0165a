import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { HashQueue } from '../../src/identity/passwords/hash-queue.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { type Answer, Caller } from './auth/caller.js';
import { AuthHouse } from './auth/house.js';
import { Person } from './auth/person.js';

interface Flow {
  readonly name: string;
  /** How often one person may begin it in an hour. */
  readonly quota: number;
  /** @returns one try of somebody who has not begun it yet */
  prepare(house: AuthHouse): Promise<() => Promise<Answer>>;
}

const FORGOT = '/v1/auth/password/forgot';

const FLOWS: readonly Flow[] = [
  {
    name: 'register',
    quota: 5,
    prepare: async (house) => {
      const newcomer = new Person(house);
      return () => newcomer.register();
    },
  },
  {
    name: 'password/forgot',
    quota: 5,
    prepare: async (house) => {
      const person = await Person.registered(house);
      return () => person.post(FORGOT, { email: person.email });
    },
  },
  {
    name: 'password/forgot of nobody',
    quota: 5,
    prepare: async (house) => {
      const nobody = new Person(house);
      return () => nobody.post(FORGOT, { email: nobody.email });
    },
  },
  {
    name: 'email/send',
    quota: 3,
    prepare: async (house) => {
      const person = await Person.registered(house);
      const { access } = await person.login();
      return () => person.post('/v1/auth/email/send', undefined, access);
    },
  },
  {
    name: 'email/change',
    quota: 5,
    prepare: async (house) => {
      const person = await Person.verified(house);
      const { access } = await person.login();
      const wish = { new_email: `new-${person.email}`, password: person.password };
      return () => person.post('/v1/auth/email/change', wish, access);
    },
  },
  {
    name: 'invitations',
    quota: 5,
    prepare: async (house) => {
      const person = await Person.verified(house);
      const { access, tenantId } = await person.login();
      const wish = { email: `guest-${person.email}`, role: 'member' };
      return () => person.post(`/v1/tenants/${tenantId}/invitations`, wish, access);
    },
  },
];

const WHOLE = FLOWS.map(({ name, quota }) => [name, ...Array.from({ length: quota }, () => 202), 429]);
const REFUSED = FLOWS.map(({ name, quota }) => [name, ...Array.from({ length: quota + 1 }, () => 503)]);

describeReal('Quotas of flows that an outage kept from being done', () => {
  let postgres: PostgresServer;
  let house: AuthHouse;
  let trials: readonly {
    readonly name: string;
    readonly quota: number;
    readonly ask: () => Promise<Answer>;
  }[];
  beforeAll(async () => {
    postgres = await startPostgres();
    house = await AuthHouse.open({
      separate: true,
      databaseUrl: postgres.url(),
      env: { AUTH_CACHE_REDIS_COMMAND_MS: '1s', SECURITY_TOKEN_REDIS_COMMAND_MS: '1s' },
    });
  });
  afterAll(async () => {
    await house.close();
    await postgres.stop();
  });

  const prepareAll = async () => {
    const asks = await Promise.all(FLOWS.map((flow) => flow.prepare(house)));
    trials = FLOWS.map(({ name, quota }, at) => ({ name, quota, ask: asks[at] as (typeof asks)[number] }));
  };
  const waitForSql = async () => {
    const stranger = new Person(house);
    await waitFor(async () => (await stranger.attempt()).status === 401, {
      what: 'SQL to answer',
      timeoutMs: 20_000,
      intervalMs: 100,
    });
  };
  const statusOf = async (path: string) => (await new Caller(house.first).get(path)).status;
  /** What each answers when it is asked for once more than its quota. */
  const answersOfAll = async () => {
    const answers: (readonly [name: string, ...statuses: number[]])[] = [];
    for (const { name, quota, ask } of trials) {
      const statuses: number[] = [];
      for (let at = 0; at <= quota; at += 1) statuses.push((await ask()).status);
      answers.push([name, ...statuses]);
    }
    return answers;
  };
  /** Of sessions from now on, and there are no others. */
  const takeWrites = async (on: boolean) => {
    const ask = (text: string) => postgres.sql(text, 'template1');
    await ask(`alter database postgres set default_transaction_read_only = ${on ? 'off' : 'on'}`);
    await ask(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'postgres'`);
    await waitForSql();
  };

  it('are whole after one of securityTokens, and no hash is made meanwhile', async () => {
    await prepareAll();
    const hash = vi.spyOn(house.first.app.get(HashQueue, { strict: false }), 'run');
    await house.redis('SECURITY_TOKEN').kill9();
    await waitFor(async () => (await statusOf('/readyz/securityTokens')) === 503, {
      what: 'securityTokens to be known as lost',
    });
    expect(await answersOfAll()).toEqual(REFUSED);
    expect(hash).not.toHaveBeenCalled();
    hash.mockRestore();
    await house.redis('SECURITY_TOKEN').start();
    await waitFor(async () => (await statusOf('/readyz/securityTokens')) === 200, {
      what: 'securityTokens to be back',
      timeoutMs: 20_000,
      intervalMs: 25,
    });
    expect(await answersOfAll()).toEqual(WHOLE);
  });

  it('are whole after one of SQL, which the first of them finds out', async () => {
    await prepareAll();
    await postgres.down();
    expect(await answersOfAll()).toEqual(REFUSED);
    await postgres.start();
    await waitForSql();
    expect(await answersOfAll()).toEqual(WHOLE);
  });

  it('are whole after SQL took no writes, whether the address has an account or not', async () => {
    await prepareAll();
    await takeWrites(false);
    expect(await answersOfAll()).toEqual(REFUSED);
    await takeWrites(true);
    expect(await answersOfAll()).toEqual(WHOLE);
  });
});
