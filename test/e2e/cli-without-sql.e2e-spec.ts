import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/clean-up.js';
import { freePort } from '../support/free-port.js';
import { type OwnBuild, createOwnBuild } from '../support/own-build.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describeReal('commands while SQL is away', () => {
  let build: OwnBuild;
  let redis: RedisServer;
  let elsewhere = '';
  let closed = '';
  beforeAll(async () => {
    build = createOwnBuild('cli-without-sql');
    redis = await startRedisServer();
    elsewhere = temporaryDirectory('cli-without-sql');
    closed = `postgres://bulkhead:canary-4d1@127.0.0.1:${await freePort()}/bulkhead`;
  });
  afterAll(async () => {
    await redis.stop();
    build.remove();
  });

  const node = (words: readonly string[], env: Record<string, string> = {}) =>
    new Promise<Ended>((resolve) => {
      const child = execFile(
        process.execPath,
        words,
        { cwd: elsewhere, env: { PATH: process.env.PATH, ...env }, timeout: 120_000 },
        (_, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
      );
      // Of a pipe, a password is asked for only where the account can be opened.
      child.stdin?.end('lantern oyster hill\n');
    });
  const cli = async (words: string, url = closed) => {
    const env = { APP_PROFILE: 'development', REDIS_URL: redis.url(), DATABASE_URL: url };
    const ended = await node([build.cli, ...words.split(' ')], { ...env, DATABASE_START_DEADLINE_MS: '1s' });
    expect(`${ended.out}${ended.err}`).not.toContain('canary-4d1');
    return ended;
  };

  const tenant = randomUUID();
  it.each([
    'db migrate',
    'admin create --email root@example.com',
    'admin revoke --email root@example.com',
    `service-account create --name exporter --tenant ${tenant} --scopes billing:read`,
    'billing dlq --replay --all --yes',
    'billing replay --type invoice.*',
    `billing replay --to tenant-stream --tenant ${tenant}`,
    'billing backfill',
  ])('"%s" names the server, the variable and what to do', async (words) => {
    const { code, out, err } = await cli(words);
    expect({ code, out }).toEqual({ code: 69, out: '' });
    expect(err).toContain('- DATABASE_URL (sql): postgres://127.0.0.1:');
    expect(err).toContain('(refused). Correct the address, or start the server and let the network through.');
  });

  it('a host that nobody knows is told as well', async () => {
    const { code, err } = await cli(
      'billing replay --type invoice.*',
      'postgres://a:b@nowhere.invalid:5432/bulkhead',
    );
    expect(code).toBe(69);
    expect(err).toContain('- DATABASE_URL (sql): postgres://nowhere.invalid:5432/bulkhead: ');
  });

  it.each(['billing lag', 'billing events', 'billing dlq'])(
    '"%s", which looks at Redis alone, answers',
    async (words) => {
      expect(await cli(words)).toMatchObject({ code: 0 });
    },
  );

  it('what can never come to a result ends as a mistake of the program, and says so', async () => {
    const file = pathToFileURL(join(dirname(build.cli), 'cli/no-result.js')).href;
    const script = `(await import('${file}')).reportNoResult(); await new Promise(() => undefined);`;
    const { code, err } = await node(['--input-type=module', '--eval', script]);
    expect(code).toBe(70);
    expect(err).toContain('The command ended without a result');
  });
});
