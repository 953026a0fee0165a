import { afterAll, beforeAll, expect, it } from 'vitest';
import { COMMANDS, keyIndexes, mayWrite } from '../../src/redis/commands.js';
import { keySlot } from '../../src/redis/key-slot.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';

type Reply = readonly unknown[];

const KEY = 'billing:{7}:probe';
/** The second of GETKEYS itself, where nothing follows the name. */
const NO_KEYS = /no key arguments|wrong number of arguments for 'command|getkeys'/i;
const NAMES = Object.keys(COMMANDS) as (keyof typeof COMMANDS)[];

/** What a server says of its own commands, beside what our table says of them. */
describeReal('the table of commands', () => {
  let server: RedisServer;
  /** Flags of each command and of its subcommands, by name: `xgroup`, `xgroup|create`. */
  const flags = new Map<string, readonly string[]>();

  beforeAll(async () => {
    server = await startRedisServer({ cluster: true });
    const replies = (await server.admin().call('COMMAND', 'INFO', ...NAMES)) as (Reply | null)[];
    const note = (reply: Reply) => flags.set(String(reply[0]), reply[2] as string[]);
    for (const reply of replies) {
      if (!reply) continue;
      note(reply);
      for (const sub of (reply[9] as Reply[] | undefined) ?? []) note(sub);
    }
  });

  afterAll(async () => {
    await server.stop();
  });

  it('names commands that the server has', () => {
    expect(NAMES.filter((name) => !flags.has(name))).toEqual([]);
  });

  it.each(NAMES)('takes %s for a write where the server does', (name) => {
    const { subcommands = [] } = COMMANDS[name] as { subcommands?: readonly string[] };
    const judged = subcommands.length > 0 ? subcommands.map((sub) => `${name}|${sub}`) : [name];
    expect(judged.filter((one) => !flags.has(one))).toEqual([]);
    const writes = judged.some((one) => flags.get(one)?.includes('write'));
    const reads = judged.every((one) => flags.get(one)?.includes('readonly'));
    // Of scripts and of what touches no key the server says neither.
    const theirs = writes || (reads ? false : mayWrite(name, false));
    expect(mayWrite(name, false)).toBe(theirs);
  });

  it('takes as many commands for writes as the server does, and scripts beside them', () => {
    const ours = NAMES.filter((name) => mayWrite(name, false));
    const theirs = NAMES.filter((name) =>
      [...flags].some(([full, said]) => full.split('|')[0] === name && said.includes('write')),
    );
    expect(ours.toSorted()).toEqual([...theirs, 'eval', 'evalsha'].toSorted());
  });

  it.each(NAMES.flatMap((name) => COMMANDS[name].proofs.map((proof) => [name, proof] as const)))(
    'finds the keys of %s %j where the server does',
    async (name, proof) => {
      const args = proof.map((arg) => (arg === '$' ? KEY : arg));
      const ours = keyIndexes(COMMANDS[name].keys, args).map((index) => args[index]);
      const theirs = await server
        .admin()
        .call('COMMAND', 'GETKEYS', name, ...args)
        .catch((error: Error) => {
          if (NO_KEYS.test(error.message)) return [];
          throw error;
        });
      expect(theirs).toEqual(ours);
    },
  );

  it.each(['123456789', 'foo{}{bar}', 'foo{{bar}}zap', '{}a}', 'ключ:{ё}', KEY])(
    'finds the slot of %s where the server does',
    async (key) => {
      expect(keySlot(key)).toBe(await server.admin().call('CLUSTER', 'KEYSLOT', key));
    },
  );
});
