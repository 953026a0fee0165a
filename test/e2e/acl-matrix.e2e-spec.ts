import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PURPOSES, type PurposeDefinition, aclRule } from '../../src/redis/index.js';
import { commandSpec } from '../../src/redis/commands.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { DANGEROUS, FOREIGN_BY_SCRIPT, CONNECTION_COMMANDS } from './acl-matrix/forbidden.js';
import { type Shape, documentedCommands, shapesOf } from './acl-matrix/command-shapes.js';

type Name = keyof typeof PURPOSES;

const NAMES = Object.keys(PURPOSES) as Name[];
const TYPES = ['string', 'list', 'set', 'sorted-set', 'hash', 'stream'] as const;
const VALUE = 'data-of-another-purpose';
const definitionOf = (name: Name): PurposeDefinition => PURPOSES[name];
const namespaceOf = (name: Name): string => definitionOf(name).namespace;
const passwordOf = (name: Name): string => `password-of-${name}`;
const seedKey = (name: Name, type: string): string => `${namespaceOf(name)}:seed:${type}`;

/** What the greeting and transactions need; none of it takes a key or tells another purpose's data. */
const KEYLESS = ['client|info', 'client|setname', 'info', 'script|load', 'time'];

describeReal('the generated ACL rules on one server', () => {
  let server: RedisServer;
  const clients = new Map<Name, Redis>();
  const counts = { calls: 0, refused: 0, malformed: 0, keyless: 0, foreign: 0, own: 0 };

  beforeAll(async () => {
    const rules = NAMES.map((user) =>
      aclRule({ user, definition: PURPOSES[user], db: 0 }).replace('>PASSWORD', `>${passwordOf(user)}`),
    );
    server = await startRedisServer({ acl: ['user default off', ...rules] });
    await Promise.all(NAMES.map((name) => seed(server.admin(), name)));
    for (const name of NAMES) clients.set(name, await connect(name));
  });

  afterAll(async () => {
    for (const client of clients.values()) client.disconnect();
    await server.stop();
    console.info(
      `ACL matrix: ${counts.calls} calls on foreign keys: ${counts.refused} refused, ${counts.malformed} malformed, ` +
        `${counts.keyless} keyless and granted, ${counts.foreign} reached foreign data; ${counts.own} own commands granted`,
    );
  });

  async function connect(name: Name): Promise<Redis> {
    const client = new Redis({
      host: server.host,
      port: server.port,
      username: name,
      password: passwordOf(name),
      lazyConnect: true,
      enableReadyCheck: false,
      disableClientInfo: true,
      maxRetriesPerRequest: 0,
      retryStrategy: null,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  const client = (name: Name): Redis => clients.get(name) as Redis;

  describe.each(NAMES)('%s', (name) => {
    it('gets nowhere on the keys of the others, with any command of the server', async () => {
      const before = await fingerprint(server.admin());
      const { top, all } = await documentedCommands(server.admin());
      expect(top.length).toBeGreaterThan(230);
      const granted = new Set<string>();
      const unproven = new Set(
        all.map(({ command }) => command).filter((one) => !CONNECTION_COMMANDS.has(one)),
      );
      for (const other of NAMES.filter((candidate) => candidate !== name)) {
        const shapes = all
          .filter(({ command }) => !CONNECTION_COMMANDS.has(command))
          .flatMap((command) => shapesOf(command, seedKey(other, typeOf(command.group))));
        const outcome = await attemptAll(client(name), shapes);
        for (const { command } of outcome.accepted) granted.add(command);
        for (const { command } of outcome.refused) unproven.delete(command);
      }
      expect([...granted].sort()).toEqual(KEYLESS);
      // The rest never got as far as its rights: the server switches it off, or the documentation lacks a word.
      const rest = [...unproven].filter((command) => !KEYLESS.includes(command));
      expect(rest.filter((command) => !/^(debug$|module\||command\|getkeys)/.test(command))).toEqual([]);
      expect(await fingerprint(server.admin())).toEqual(before);
    });

    it('gets nowhere on them by a script that builds their names itself', async () => {
      const before = await fingerprint(server.admin());
      const others = NAMES.filter((candidate) => candidate !== name);
      for (const other of others) {
        for (const [script, type] of FOREIGN_BY_SCRIPT) {
          const answer = await attempt(client(name), ['eval', script, '0', seedKey(other, type)]);
          expect(String(answer)).toMatch(/NOPERM|user executing the script can't/);
        }
      }
      expect(await fingerprint(server.admin())).toEqual(before);
    });

    it.each(DANGEROUS)('is refused %s', async (line) => {
      // DEBUG is off unless a server is told otherwise, and says so before the rights are looked at.
      expect(String(await attempt(client(name), line.split(' ')))).toMatch(
        /NOPERM|DEBUG command not allowed/,
      );
    });

    it('may call every command of its row on its own keys', async () => {
      const { commands, namespace } = definitionOf(name);
      const denied: string[] = [];
      for (const command of commands) {
        const key = `${namespace}:own:${command}`;
        for (const proof of commandSpec(command)?.proofs ?? []) {
          const words = [command, ...proof.map((word) => (word === '$' ? key : word))];
          const dryRun = await server.admin().call('ACL', 'DRYRUN', name, ...words);
          if (dryRun !== 'OK' || isRefusal(await attempt(client(name), words))) denied.push(words.join(' '));
          counts.own += 1;
        }
      }
      expect(denied).toEqual([]);
    });
  });

  it.each(NAMES)('a connection of %s cannot become another by AUTH, HELLO or RESET', async (name) => {
    const link = await connect(name);
    try {
      expect(String(await attempt(link, ['auth', 'default', 'x']))).toMatch(/WRONGPASS/);
      expect(String(await attempt(link, ['hello', '2', 'auth', 'test-admin', 'x']))).toMatch(/WRONGPASS/);
      expect(await attempt(link, ['reset'])).toBe('RESET');
      expect(String(await attempt(link, ['get', seedKey(name, 'string')]))).toMatch(/NOAUTH/);
    } finally {
      link.disconnect();
    }
  });

  async function attemptAll(
    redis: Redis,
    shapes: readonly Shape[],
  ): Promise<{ accepted: Shape[]; refused: Shape[] }> {
    const answers = await Promise.all(shapes.map(({ words }) => attempt(redis, words)));
    const accepted = shapes.filter((_, index) => !(answers[index] instanceof Error));
    const refused = shapes.filter((_, index) => isRefusal(answers[index]));
    counts.calls += shapes.length;
    counts.refused += refused.length;
    counts.malformed += shapes.length - refused.length - accepted.length;
    counts.keyless += accepted.filter(({ keyed }) => !keyed).length;
    counts.foreign += accepted.filter(({ keyed }) => keyed).length;
    expect(answers.map((answer) => inspect(answer)).join('\n')).not.toContain(VALUE);
    return { accepted, refused };
  }
});

async function attempt(redis: Redis, words: readonly string[]): Promise<unknown> {
  const [command = '', ...args] = words;
  try {
    return await redis.call(command, ...args);
  } catch (error) {
    return error;
  }
}

function isRefusal(answer: unknown): boolean {
  return answer instanceof Error && answer.message.startsWith('NOPERM');
}

function typeOf(group: string): string {
  return (TYPES as readonly string[]).includes(group) ? group : 'string';
}

async function seed(admin: Redis, name: Name): Promise<void> {
  const key = (type: string): string => seedKey(name, type);
  await admin
    .multi()
    .set(key('string'), VALUE)
    .rpush(key('list'), VALUE, VALUE)
    .sadd(key('set'), VALUE)
    .zadd(key('sorted-set'), 1, VALUE)
    .hset(key('hash'), 'x', VALUE)
    .xadd(key('stream'), '1-1', 'x', VALUE)
    .xgroup('CREATE', key('stream'), 'x', '0')
    .exec();
}

/** Every key with its content, its consumers and its expiry, in one text each. */
async function fingerprint(admin: Redis): Promise<Record<string, string>> {
  const keys = NAMES.flatMap((name) => TYPES.map((type) => seedKey(name, type)));
  const entries = keys.map(async (key) => {
    const [content, expiry] = await Promise.all([admin.dumpBuffer(key), admin.pexpiretime(key)]);
    return [key, `${content?.toString('hex')}:${expiry}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
