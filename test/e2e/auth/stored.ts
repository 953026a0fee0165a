import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import pg from 'pg';
import type { RedisServer } from '../../support/redis-server.js';
import type { Haystack } from './canaries.js';

/** All that a server writes to its disk, and every key and value as a client reads it. */
export async function storedIn(name: string, server: RedisServer): Promise<Haystack[]> {
  const admin = server.admin();
  // A snapshot is what it holds, letter by letter; compressed, one might look for a text in vain.
  await admin.config('SET', 'rdbcompression', 'no');
  await admin.save();
  const snapshot = readFileSync(join(server.dir, 'dump.rdb'));
  const read = await Promise.all((await keysOf(admin)).map((key) => contentOf(admin, key)));
  return [
    { name: `the snapshot of ${name}`, bytes: snapshot },
    { name: `the keys of ${name}`, bytes: Buffer.from(read.join('\n')) },
  ];
}

export async function keysOf(admin: Redis): Promise<string[]> {
  return (await admin.keys('*')).toSorted();
}

/** Names of keys that would stay for good. */
export async function lasting(admin: Redis): Promise<string[]> {
  const keys = await keysOf(admin);
  const lives = await Promise.all(keys.map((key) => admin.pttl(key)));
  return keys.filter((_, at) => lives[at] === -1);
}

async function contentOf(admin: Redis, key: string): Promise<string> {
  const type = await admin.type(key);
  const words: Readonly<Record<string, () => Promise<unknown>>> = {
    string: () => admin.get(key),
    hash: () => admin.hgetall(key),
    zset: () => admin.zrange(key, '0', '-1'),
    set: () => admin.smembers(key),
    list: () => admin.lrange(key, 0, -1),
    stream: () => admin.xrange(key, '-', '+'),
    // Gone since its name was read.
    none: () => Promise.resolve(''),
  };
  const read = words[type];
  if (!read) throw new Error(`A ${type} is nothing that this test can read`);
  return `${key} ${JSON.stringify(await read())}`;
}

/** Every row of every table, as JSON; bytes are written in hex there. */
export async function rowsOf(url: string): Promise<Haystack> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(
        `select row_to_json(t)::text as row from ${name} t`,
      );
      texts.push(name, ...rows.map(({ row }) => row));
    }
    return { name: 'SQL', bytes: Buffer.from(texts.join('\n')) };
  } finally {
    await client.end();
  }
}

export async function runSql(url: string, statement: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement, values);
  } finally {
    await client.end();
  }
}
