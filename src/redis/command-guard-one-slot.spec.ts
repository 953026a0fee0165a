import { describe, expect, it } from 'vitest';
import { CROSS_SLOT, CommandGuard, slotsOf } from './command-guard.js';
import { COMMANDS, type CommandName, commandSpec } from './commands.js';
import { keySlot } from './key-slot.js';
import { type Lane, PURPOSES, type PurposeDefinition } from './purposes.js';

const definition: PurposeDefinition = {
  ...PURPOSES.billingEvents,
  commands: Object.keys(COMMANDS) as CommandName[],
};

/** The rule that a command breaks; undefined when it may be sent. */
function judge(line: readonly unknown[], oneSlot = true, lane: Lane = 'command'): string | undefined {
  const [name, ...args] = line;
  return new CommandGuard('billingEvents', definition, lane, oneSlot).judge({ name: String(name), args })
    ?.message;
}

const bytes = (text: string): Buffer => Buffer.from(text);

/** Two keys in one slot, and two that are in different ones although they look alike. */
const TOGETHER = ['billing:{7}:a', 'billing:{7}:b'] as const;
const APART = ['billing:{7}:a', 'billing:{8}:a'] as const;

describe('the keys of a command in a cluster', () => {
  it('are chosen so that this test says something', () => {
    expect(new Set(TOGETHER.map(keySlot)).size).toBe(1);
    expect(new Set(APART.map(keySlot)).size).toBe(2);
  });

  it.each<[title: string, line: (keys: readonly [string, string]) => readonly unknown[]]>([
    ['DEL', (keys) => ['del', ...keys]],
    ['DEL in capitals', (keys) => ['DEL', ...keys]],
    ['UNLINK of three', ([a, b]) => ['unlink', a, a, b]],
    ['MGET', (keys) => ['mget', ...keys]],
    ['MGET of bytes', ([a, b]) => ['mget', bytes(a), bytes(b)]],
    ['MGET of a text and bytes', ([a, b]) => ['mget', a, bytes(b)]],
    ['EXISTS', (keys) => ['exists', ...keys]],
    ['EVAL', (keys) => ['eval', 'return 1', 2, ...keys, 'billing:{9}:argument']],
    ['EVALSHA', (keys) => ['evalsha', 'f00', '2', ...keys]],
    ['XREAD', (keys) => ['xread', 'STREAMS', ...keys, 0, 0]],
    ['XREADGROUP', (keys) => ['xreadgroup', 'GROUP', 'g', 'c', 'STREAMS', ...keys, '>', '>']],
  ])('lie in one slot: %s', (_, line) => {
    expect(judge(line(TOGETHER))).toBeUndefined();
    expect(judge(line(APART))).toContain(CROSS_SLOT);
    expect(judge(line(APART), false)).toBeUndefined();
  });

  it('lie in one slot on the blocking lane, too', () => {
    const read = (keys: readonly string[]) => ['xread', 'BLOCK', 100, 'STREAMS', ...keys, 0, 0];
    expect(judge(read(TOGETHER), true, 'blocking')).toBeUndefined();
    expect(judge(read(APART), true, 'blocking')).toContain(CROSS_SLOT);
  });

  it('say what to do in the error', () => {
    expect(judge(['del', ...APART])).toMatch(/different slots of the cluster; give them one part in braces/);
  });

  it('of another namespace are refused for that, not for their slot', () => {
    expect(judge(['del', 'billing:{7}:a', 'auth:{8}:a'])).toContain('does not begin with billing:');
  });

  it.each([
    ['one key', ['get', 'billing:a']],
    ['one key and values that look like keys', ['set', 'billing:{1}:a', 'billing:{2}:b']],
    ['one key in a list', ['del', 'billing:a']],
    ['one key and fields', ['hmget', 'billing:a', 'billing:{1}', 'billing:{2}']],
    ['one key and a subcommand', ['xgroup', 'create', 'billing:a', 'g', '$']],
    ['none', ['time']],
    ['none and a script', ['script', 'load', 'return 1']],
  ])('are no matter where there is %s', (_, line) => {
    expect(judge(line)).toBeUndefined();
  });
});

describe('slotsOf', () => {
  it.each<[name: CommandName, args: unknown[], slots: number[]]>([
    ['get', ['billing:a'], [keySlot('billing:a')]],
    ['get', [bytes('billing:a')], [keySlot('billing:a')]],
    ['del', [...APART, ...TOGETHER], APART.map(keySlot)],
    ['xgroup', ['create', 'billing:a', 'g', '$'], [keySlot('billing:a')]],
    ['xread', ['COUNT', '1', 'STREAMS', 'billing:a', '0'], [keySlot('billing:a')]],
    ['eval', ['return 1', '1', 'billing:a', 'billing:b'], [keySlot('billing:a')]],
    ['time', [], []],
    ['script', ['load', 'return 1'], []],
  ])('%s %j', (name, args, slots) => {
    expect([...slotsOf(commandSpec(name), args)]).toEqual(slots);
  });

  it('of a command that is not in the table are none', () => {
    expect([...slotsOf(commandSpec('multi'), [])]).toEqual([]);
    expect([...slotsOf(undefined, ['billing:a'])]).toEqual([]);
  });
});
