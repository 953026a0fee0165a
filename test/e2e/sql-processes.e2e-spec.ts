import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS_FOLDER } from '../../src/database/migrations.js';
import { killOnExit, temporaryDirectory } from '../support/clean-up.js';
import { freePort } from '../support/free-port.js';
import { type OwnBuild, createOwnBuild } from '../support/own-build.js';
import { type PostgresServer, freshDatabase, startPostgres } from '../support/postgres.js';
import { waitFor } from '../support/wait-for.js';

let build: OwnBuild;
let server: PostgresServer;
beforeAll(async () => {
  build = createOwnBuild('sql-processes');
  server = await startPostgres();
});
afterAll(async () => {
  await server?.stop();
  build?.remove();
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function cli(words: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const options = {
    env: { PATH: process.env['PATH'], APP_PROFILE: 'test', ...env },
    cwd: dirname(build.cli),
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [build.cli, ...words], options, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

describe('db migrate', () => {
  it('in four processes at once on an empty database migrates it once, and all of them succeed', async () => {
    await server.sql('create database four');
    const env = { DATABASE_URL: server.url({ database: 'four' }) };
    const ended = await Promise.all(Array.from({ length: 4 }, () => cli(['db', 'migrate'], env)));
    expect(ended.map(({ code, err }) => [code, err])).toEqual(Array(4).fill([0, '']));
    const said = ended.map(({ out }) => (out.includes('got ') ? 'migrated' : 'up to date')).sort();
    expect(said).toEqual(['migrated', 'up to date', 'up to date', 'up to date']);
    expect(ended[0]?.out).toContain(`postgres://127.0.0.1:${server.port}/four`);
    expect(ended[0]?.out).not.toContain('test-password');
  });

  it('says what to correct, and ends with 78, where settings and server contradict each other', async () => {
    const env = { DATABASE_URL: server.url({ password: 'canary-password' }) };
    const { code, out, err } = await cli(['db', 'migrate'], env);
    expect([code, out]).toEqual([78, '']);
    expect(err).toContain('DATABASE_PASSWORD (sql)');
    expect(err).not.toContain('canary-password');
  });

  it('ends with 69 where nothing answers', async () => {
    const { code, err } = await cli(['db', 'migrate'], {
      DATABASE_URL: server.url({ port: await freePort() }),
    });
    expect([code, err]).toEqual([69, expect.stringContaining('(refused)')]);
  });
});

describe('the lock of a folder', () => {
  it('whose holder is dead goes to exactly one of eight processes that want it at once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const folder = temporaryDirectory('sql-lock');
      const take = `
        const { FolderLock } = await import(${JSON.stringify(join(dirname(build.cli), 'database/folder-lock.js'))});
        while (Date.now() < Number(process.argv[1]));
        try { FolderLock.take(${JSON.stringify(folder)}); process.stdout.write('got it'); } catch (error) {
          process.stdout.write(error.name);
        }
        setTimeout(() => undefined, Number(process.argv[1]) + 1500 - Date.now());`;
      const run = (atMs: number) =>
        new Promise<string>((resolve) => {
          const args = ['--input-type=module', '-e', take, String(atMs)];
          execFile(process.execPath, args, (_error, out) => resolve(out));
        });
      // The first one takes it and dies with it.
      expect(await run(0)).toBe('got it');
      const together = Date.now() + 1500;
      const said = await Promise.all(Array.from({ length: 8 }, () => run(together)));
      expect(said.sort()).toEqual([...Array(7).fill('FolderInUseError'), 'got it']);
    }
  });
});

describe('workers in processes of their own', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  async function startWorker(url: string, leaseMs: number, manner: 'done' | 'hang') {
    const script = fileURLToPath(new URL('sql/worker-process.mjs', import.meta.url));
    const args = [script, dirname(build.cli), url, String(leaseMs), manner];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    killOnExit(child);
    children.push(child);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await waitFor(() => text.includes('started'), { what: 'a worker to start', timeoutMs: 20_000 });
    return { child, begun: () => text.split('\n').filter((line) => line && line !== 'started') };
  }

  async function database() {
    const url = await freshDatabase();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const add = async (count: number) => {
      const ids = Array.from({ length: count }, () => randomUUID());
      for (const id of ids)
        await client.query(`insert into mail_outbox (id, template, sealed) values ($1, 't', 's')`, [id]);
      return ids;
    };
    const open = async () =>
      Number((await client.query(`select count(*) as n from mail_outbox where sent_at is null`)).rows[0].n);
    return { url, client, add, open };
  }

  it('start side by side on an empty database, which one of them migrates', async () => {
    await server.sql('create database boot');
    const url = server.url({ database: 'boot' });
    await Promise.all([1, 2, 3, 4].map(() => startWorker(url, 60_000, 'done')));
    const applied = await server.sql('select hash from drizzle.__drizzle_migrations', 'boot');
    expect(applied).toHaveLength(readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER }).length);
  });

  it('do every row once between them', async () => {
    const { url, client, add, open } = await database();
    const workers = await Promise.all([1, 2, 3].map(() => startWorker(url, 60_000, 'done')));
    const ids = await add(300);
    await waitFor(async () => (await open()) === 0, { what: 'all rows to be done', timeoutMs: 20_000 });
    const begun = workers.flatMap((worker) => worker.begun());
    expect([...begun].sort()).toEqual([...ids].sort());
    await client.end();
  });

  it('take over what one of them had begun when it was killed', async () => {
    const { url, client, add, open } = await database();
    const victim = await startWorker(url, 1500, 'hang');
    const [id] = await add(1);
    await waitFor(() => victim.begun().length === 1, { what: 'the row to be begun' });
    victim.child.kill('SIGKILL');
    const heir = await startWorker(url, 60_000, 'done');
    await waitFor(async () => (await open()) === 0, { what: 'the row to be done', timeoutMs: 20_000 });
    expect(heir.begun()).toEqual([id]);
    const { rows } = await client.query('select attempts from mail_outbox');
    expect(rows).toEqual([{ attempts: 2 }]);
    await client.end();
  });
});
