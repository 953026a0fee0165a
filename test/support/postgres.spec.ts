import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './clean-up.js';
import { PostgresBroker } from './postgres-broker.js';
import { findPostgres, providePostgres } from './postgres-provision.js';
import { freshDatabase, startPostgres } from './postgres.js';

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<object>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('freshDatabase', () => {
  it('gives each caller an empty, migrated database of its own', async () => {
    const urls = await Promise.all([freshDatabase(), freshDatabase(), freshDatabase()]);
    expect(new Set(urls).size).toBe(3);
    await ask(urls[0] ?? '', `insert into tenants (id, name) values (gen_random_uuid(), 'of the first')`);
    const counts = await Promise.all(urls.map((url) => ask(url, 'select count(*)::int as n from tenants')));
    expect(counts).toEqual([[{ n: 1 }], [{ n: 0 }], [{ n: 0 }]]);
  });
});

describe('a server of a test', () => {
  it('keeps what was committed when it is killed and started again', async () => {
    const server = await startPostgres();
    await server.sql('create table kept (n int)');
    await server.sql('insert into kept values (7)');
    await server.kill9();
    expect(server.running).toBe(false);
    await expect(server.sql('select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.start();
    expect(await server.sql('select n from kept')).toEqual([{ n: 7 }]);
    await server.stop();
    expect(server.running).toBe(false);
  });
});

describe('a broker', () => {
  it('that nobody asks starts no server', async () => {
    const started = performance.now();
    const broker = await PostgresBroker.start();
    await broker.stop();
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('PostgreSQL', () => {
  const machine = { root: false, debian: false, terminal: false };

  function programs(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (const name of ['postgres', 'initdb']) {
      writeFileSync(join(folder, name), '#!/bin/sh\n');
      chmodSync(join(folder, name), 0o755);
    }
  }

  it('is found where POSTGRES_BIN_DIR says, and nowhere else then', () => {
    const dir = temporaryDirectory('bin');
    programs(dir);
    expect(findPostgres({ POSTGRES_BIN_DIR: dir })).toEqual({
      postgres: join(dir, 'postgres'),
      initdb: join(dir, 'initdb'),
    });
    expect(findPostgres({ POSTGRES_BIN_DIR: join(dir, 'nowhere'), PATH: dir })).toBeUndefined();
  });

  it('is found on the PATH, else the newest where Debian puts it', () => {
    const debian = temporaryDirectory('debian');
    for (const version of ['9', '15', '17']) programs(join(debian, version, 'bin'));
    expect(findPostgres({ PATH: '/nowhere' }, debian)?.postgres).toBe(join(debian, '17', 'bin', 'postgres'));
    const path = temporaryDirectory('path');
    programs(path);
    expect(findPostgres({ PATH: path }, debian)?.postgres).toBe(join(path, 'postgres'));
  });

  it('that is missing ends a test with how to get it, and never skips it', async () => {
    const env = { POSTGRES_BIN_DIR: '/nowhere', PATH: '/nowhere' };
    await expect(providePostgres({ ...machine, env }, () => undefined)).rejects.toThrow(
      'sudo apt-get install -y --no-install-recommends postgresql',
    );
  });
});
