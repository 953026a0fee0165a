import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MIGRATIONS_FOLDER } from '../../src/database/migrations.js';
import { StartupError } from '../../src/kernel/errors.js';
import { type TestCertificates, createTestCertificates } from '../support/certificates.js';
import { temporaryDirectory } from '../support/clean-up.js';
import { freePort } from '../support/free-port.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { type SqlHouse, type SqlHouseOptions, openSqlHouse } from '../support/sql-house.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';

const PASSWORD = 'canary-of-a-password';
/** Migrations that there are, as the server says it. */
const KNOWN = String(readdirSync(MIGRATIONS_FOLDER).filter((name) => name.endsWith('.sql')).length);

let server: PostgresServer;
let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await createTestCertificates();
  server = await startPostgres({ tls: certificates.server });
  await server.sql(`create role app login password '${PASSWORD}'`);
});
afterAll(() => server.stop());

const houses: SqlHouse[] = [];
afterEach(() => Promise.all(houses.splice(0).map((house) => house.close())));

async function open(options: SqlHouseOptions): Promise<SqlHouse> {
  const house = await openSqlHouse(options);
  houses.push(house);
  return house;
}

async function refusal(options: SqlHouseOptions): Promise<StartupError> {
  const error = await openSqlHouse(options).then(
    (house) => house.close(),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StartupError);
  expect((error as StartupError).report()).not.toContain(PASSWORD);
  return error as StartupError;
}

let made = 0;
/** An empty database of the role `app`. */
async function emptyDatabase(owner = 'app'): Promise<string> {
  made += 1;
  await server.sql(`create database empty_${made} owner ${owner}`);
  return `empty_${made}`;
}

const urlOf = (database: string, more: object = {}) =>
  server.url({ user: 'app', password: PASSWORD, database, ...more });

const migrationsIn = async (database: string) =>
  (await server.sql<{ n: string }>('select count(*) as n from drizzle.__drizzle_migrations', database))[0]?.n;

describe('an empty database', () => {
  it('is migrated by one of many that start at once, and all of them start', async () => {
    const database = await emptyDatabase();
    const started = await Promise.all(
      Array.from({ length: 6 }, () => open({ url: urlOf(database), features: { identity: 1 } })),
    );
    expect(started.map((house) => house.status().state)).toEqual(Array(6).fill('up'));
    expect(await migrationsIn(database)).toBe(KNOWN);
    const { rows } = await started[3]!.db.run((db) => db.execute(sql`select count(*)::int as n from users`));
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('of a role that may not make tables refuses the start and says what to grant', async () => {
    const database = await emptyDatabase('bulkhead');
    const error = await refusal({ url: urlOf(database) });
    expect(error.exitCode).toBe(78);
    expect(error.report()).toContain('DATABASE_USERNAME (sql)');
    expect(error.report()).toContain('db migrate');
  });

  it('that is migrated already needs no right to make tables', async () => {
    const database = await emptyDatabase('bulkhead');
    await open({ url: server.url({ database }) });
    await server.sql('grant usage on schema drizzle, public to app', database);
    await server.sql('grant select on all tables in schema drizzle, public to app', database);
    expect((await open({ url: urlOf(database) })).status().state).toBe('up');
  });
});

describe('a database of somebody else', () => {
  it('is refused and left as it was', async () => {
    const database = await emptyDatabase();
    await server.sql('create table users (theirs int)', database);
    const error = await refusal({ url: urlOf(database) });
    expect([error.exitCode, error.report()]).toEqual([78, expect.stringContaining('SQLSTATE 42P07')]);
    const tables = await server.sql(
      `select 1 from pg_tables where schemaname in ('public', 'drizzle')`,
      database,
    );
    expect(tables).toHaveLength(1);
  });
});

describe('a server that is not there at the start', () => {
  it('does not keep the application from starting, and is migrated when it comes', async () => {
    const port = await freePort();
    const database = await emptyDatabase();
    const logs: string[] = [];
    const env = { DATABASE_START_DEADLINE_MS: '300', DATABASE_PROBE_INTERVAL_MS: '200' };
    const house = await open({ url: urlOf(database, { port }), env, logs });
    expect(house.status()).toMatchObject({ state: 'down', available: false, reason: 'refused' });
    await expect(house.db.run((db) => db.execute(sql`select 1`))).rejects.toMatchObject({
      status: 503,
      reason: 'refused',
      maybeExecuted: false,
    });
    expect(logs.join('\n')).toContain('Starting with SQL down: DATABASE_URL');
    const proxy = await startTcpProxy({ targetPort: server.port, port });
    try {
      await waitFor(() => house.status().state === 'up', { what: 'SQL to be up', timeoutMs: 10_000 });
      expect(await migrationsIn(database)).toBe(KNOWN);
      expect(house.changes.map(({ state }) => state)).toEqual(['down', 'opening', 'up']);
    } finally {
      await house.close();
      await proxy.stop();
    }
  });

  it('is looked at no more often than at any other time, once the start has gone on without it', async () => {
    const proxy = await startTcpProxy({ targetPort: server.port });
    await proxy.capConnections(0);
    const env = { DATABASE_START_DEADLINE_MS: '300', DATABASE_PROBE_INTERVAL_MS: '1000' };
    await open({ url: urlOf('postgres', { port: proxy.port }), env });
    const before = proxy.connections.turnedAway;
    const started = performance.now();
    await waitFor(() => proxy.connections.turnedAway >= before + 4, {
      what: 'four looks',
      timeoutMs: 20_000,
    });
    // The start looks each 200 ms, a process that runs each second less a fifth: three pauses lie between four looks.
    expect(performance.now() - started).toBeGreaterThan(2300);
    await proxy.stop();
  });

  it('refuses the start where it is required', async () => {
    const env = { DATABASE_START_DEADLINE_MS: '300', DATABASE_REQUIRED: 'true' };
    const error = await refusal({ url: urlOf('x', { port: await freePort() }), env });
    expect([error.exitCode, error.report()]).toEqual([69, expect.stringContaining('(refused)')]);
  });

  it('takes no more than the start deadline when it never answers', async () => {
    const proxy = await startTcpProxy({ targetPort: server.port });
    await proxy.blackHole();
    const started = performance.now();
    const env = { DATABASE_START_DEADLINE_MS: '500', DATABASE_CONNECT_MS: '300' };
    const house = await open({ url: urlOf('postgres', { port: proxy.port }), env });
    expect(performance.now() - started).toBeLessThan(3000);
    expect(house.status()).toMatchObject({ state: 'down', reason: 'timeout' });
    const closing = performance.now();
    await house.close();
    expect(performance.now() - closing).toBeLessThan(3000);
    await proxy.stop();
  });
});

describe('settings that the server contradicts', () => {
  it.each([
    ['a wrong password', () => urlOf('postgres', { password: 'wrong' }), 'DATABASE_PASSWORD', 'auth'],
    ['an unknown role', () => urlOf('postgres', { user: 'nobody' }), 'DATABASE_PASSWORD', 'auth'],
    ['no password', () => urlOf('postgres').replace(`:${PASSWORD}`, ''), 'DATABASE_PASSWORD', 'auth'],
    ['an unknown database', () => urlOf('nowhere'), 'DATABASE_URL', 'no such database'],
    [
      'an authority that nobody trusts',
      () => urlOf('postgres', { sslmode: 'verify-full' }),
      'DATABASE_TLS_CA_FILE',
      'tls',
    ],
  ])('refuse the start: %s', async (_name, url, variable, what) => {
    const error = await refusal({ url: url() });
    expect(error.exitCode).toBe(78);
    expect(error.report()).toContain(`${variable} (sql)`);
    expect(error.report()).toContain(what);
  });

  it('refuse the start: TLS with a server that has none', async () => {
    const plain = await startPostgres();
    try {
      const error = await refusal({ url: plain.url({ sslmode: 'verify-full' }) });
      expect([error.exitCode, error.report()]).toEqual([78, expect.stringContaining('does not offer TLS')]);
    } finally {
      await plain.stop();
    }
  });
});

describe('TLS', () => {
  it.each(['127.0.0.1', 'localhost'])('connects where the certificate is good for %s', async (host) => {
    const database = await emptyDatabase();
    const house = await open({
      url: urlOf(database, { host, sslmode: 'require' }),
      env: { DATABASE_TLS_CA_FILE: certificates.ca },
    });
    const { rows } = await house.db.run((db) =>
      db.execute(sql`select ssl, application_name from pg_stat_ssl join pg_stat_activity using (pid)
        where pid = pg_backend_pid()`),
    );
    expect(rows).toEqual([{ ssl: true, application_name: 'bulkhead' }]);
    expect(house.status()).toMatchObject({ tls: true, state: 'up' });
  });

  it('expects the name that it is told to expect', async () => {
    const other = await startPostgres({ tls: certificates.wrongHost });
    const env = { DATABASE_TLS_CA_FILE: certificates.ca };
    const url = other.url({ sslmode: 'verify-full' });
    try {
      expect((await refusal({ url, env })).report()).toContain('(tls)');
      const named = { ...env, DATABASE_TLS_SERVERNAME: 'other.example' };
      const house = await openSqlHouse({ url, env: named });
      expect(house.status().state).toBe('up');
      await house.close();
    } finally {
      await other.stop();
    }
  });
});

describe('a password in a file', () => {
  it('may change while the application runs', async () => {
    const database = await emptyDatabase();
    await server.sql(`create role rotating login password 'one' superuser`);
    const file = join(temporaryDirectory('sql-password'), 'password');
    writeFileSync(file, 'one');
    const url = server.url({ user: 'rotating', database }).replace(/:[^:@/]+@/, '@');
    const env = { DATABASE_PASSWORD_FILE: file, DATABASE_PROBE_INTERVAL_MS: '200' };
    const house = await open({ url, env });
    await server.sql(`alter role rotating password 'two'`);
    await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'rotating'`);
    await waitFor(() => house.status().reason === 'auth', { what: 'the old password to be refused' });
    writeFileSync(file, 'two');
    await waitFor(() => house.status().state === 'up', { what: 'the new password to be used' });
    expect((await house.db.run((db) => db.execute(sql`select 1 as one`))).rows).toEqual([{ one: 1 }]);
  });
});

describe('the embedded engine', () => {
  it('keeps its folder for one process and for its owner, and what was written in it', async () => {
    const folder = join(temporaryDirectory('pglite'), 'database');
    const env = { DATABASE_FOLDER: folder };
    const first = await openSqlHouse({ env });
    expect(first.status()).toMatchObject({ state: 'opening', available: true, address: folder });
    const id = '018f2b6c-0000-7000-8000-000000000001';
    await first.db.run((db) =>
      db.execute(sql`insert into users (id, email, email_key) values (${id}, 'a', 'a')`),
    );
    const error = await refusal({ env });
    expect(error.exitCode).toBe(69);
    expect(error.report()).toContain(`process ${process.pid}`);
    await first.close();
    const second = await openSqlHouse({ env });
    const { rows } = await second.db.run((db) => db.execute(sql`select id from users`));
    expect(rows).toEqual([{ id }]);
    await second.close();
    rmSync(folder, { recursive: true });
  });

  it('is closed again where its data cannot be migrated, before the next call opens it', async () => {
    const folder = join(temporaryDirectory('pglite-theirs'), 'database');
    const data = join(folder, 'data');
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const theirs = await PGlite.create({ dataDir: data });
    await theirs.exec('create table users (theirs int)');
    await theirs.close();
    const closing = vi.spyOn(PGlite.prototype, 'close');
    const house = await openSqlHouse({ env: { DATABASE_FOLDER: folder } });
    const call = () => house.db.run((db) => db.execute(sql`select 1`));
    for (const tried of [1, 2]) {
      await expect(call()).rejects.toMatchObject({ status: 503 });
      expect(closing.mock.contexts.map((engine) => (engine as PGlite).closed)).toEqual(
        Array(tried).fill(true),
      );
    }
    await house.close();
    closing.mockRestore();
    rmSync(folder, { recursive: true });
  });
});
