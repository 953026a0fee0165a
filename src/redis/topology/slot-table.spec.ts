import { describe, expect, it } from 'vitest';
import type { Address } from '../dialer.js';
import { SLOTS, keySlot } from '../key-slot.js';
import { SlotTable } from './slot-table.js';

const ASKED: Address = { host: 'asked', port: 7000 };
const at = (host: string, port = 7000): Address => ({ host, port });

const read = (reply: unknown) => SlotTable.read(reply, ASKED);
/** The table of a reply that must be one. */
function tableOf(reply: unknown): SlotTable {
  const table = read(reply);
  if (!table) throw new Error(`No table: ${JSON.stringify(reply)}`);
  return table;
}

/** Redis 7.0, three primaries and a replica of each; metadata behind the id. */
const THREE = [
  [0, 5460, ['10.0.0.1', 7000, 'a'.repeat(40), []], ['10.0.0.4', 7003, 'd'.repeat(40), []]],
  [5461, 10_922, ['10.0.0.2', 7001, 'b'.repeat(40), []], ['10.0.0.5', 7004, 'e'.repeat(40), []]],
  [10_923, 16_383, ['10.0.0.3', 7002, 'c'.repeat(40), []], ['10.0.0.6', 7005, 'f'.repeat(40), []]],
];

describe('SlotTable', () => {
  it('knows the primary of every slot', () => {
    const table = tableOf(THREE);
    expect([0, 5460, 5461, 10_922, 10_923, 16_383].map((slot) => table.ownerOf(slot)?.host)).toEqual([
      '10.0.0.1',
      '10.0.0.1',
      '10.0.0.2',
      '10.0.0.2',
      '10.0.0.3',
      '10.0.0.3',
    ]);
    expect(table.ownerOf(SLOTS)).toBeUndefined();
    expect(table.covered).toBe(true);
    expect(table.primaries()).toEqual([at('10.0.0.1', 7000), at('10.0.0.2', 7001), at('10.0.0.3', 7002)]);
  });

  it('knows the ids of all nodes, replicas too', () => {
    expect([...tableOf(THREE).nodeIds].sort()).toEqual('abcdef'.split('').map((id) => id.repeat(40)));
  });

  it('takes a node with many ranges for one', () => {
    const table = tableOf([
      [0, 0, ['a', 1, 'x']],
      [5, 9, ['b', 1, 'y']],
      [1, 4, ['a', 1, 'x']],
    ]);
    expect(table.primaries()).toEqual([at('a', 1), at('b', 1)]);
    expect(table.ownerOf(0)).toBe(table.ownerOf(4));
    expect(table.covered).toBe(false);
    expect(table.ownerOf(10)).toBeUndefined();
  });

  it.each([
    ['an empty host', ''],
    ['no host', null],
    ['a question mark', '?'],
  ])('puts the host that was asked in place of %s', (_, host) => {
    expect(tableOf([[0, 16_383, [host, 7009, 'a']]]).primaries()).toEqual([at('asked', 7009)]);
  });

  it('takes host names and IPv6 addresses as they are', () => {
    const hosts = ['node-1.example', '::1'];
    const table = tableOf(hosts.map((host, n) => [n, n, [host, 7000, host]]));
    expect(table.primaries()).toEqual(hosts.map((host) => at(host)));
  });

  it('of a node that has no slots covers nothing', () => {
    const table = tableOf([]);
    expect(table.covered).toBe(false);
    expect(table.primaries()).toEqual([]);
    expect(table.keyPerPrimary('st:a')).toEqual([]);
  });

  it.each<[title: string, reply: unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'OK'],
    ['a number', 3],
    ['a list of texts', ['0', '1']],
    ['a range without a node', [[0, 16_383]]],
    ['a range without numbers', [['0', '16383', ['a', 1, 'x']]]],
    ['a range below zero', [[-1, 5, ['a', 1, 'x']]]],
    ['a range beyond the last slot', [[0, 16_384, ['a', 1, 'x']]]],
    ['a range that is no whole number', [[0, 1.5, ['a', 1, 'x']]]],
    ['a range without an end', [[0, Number.POSITIVE_INFINITY, ['a', 1, 'x']]]],
    ['a node that is a text', [[0, 1, 'a:1']]],
    ['a node without a port', [[0, 1, ['a']]]],
    ['a node with port 0', [[0, 1, ['a', 0, 'x']]]],
    ['a node with a port beyond the last', [[0, 1, ['a', 65_536, 'x']]]],
    ['a node with half a port', [[0, 1, ['a', 70.5, 'x']]]],
    ['a node whose port is no number', [[0, 1, ['a', 'b', 'x']]]],
    ['a node whose host is a list', [[0, 1, [['a'], 1, 'x']]]],
    [
      'a slot that is named twice',
      [
        [0, 5, ['a', 1, 'x']],
        [5, 9, ['b', 1, 'y']],
      ],
    ],
    ['good ranges and a bad one behind them', [...THREE, [1]]],
  ])('is not made of %s', (_, reply) => {
    expect(read(reply)).toBeUndefined();
  });

  it('is not made of a million ranges over all slots, and says so at once', () => {
    const range = [0, 16_383, ['a', 1, 'x']];
    const started = performance.now();
    expect(read(Array.from({ length: 1_000_000 }, () => range))).toBeUndefined();
    // Taken seriously it would be sixteen thousand million steps, that is a minute at the least.
    expect(performance.now() - started).toBeLessThan(5000);
  });

  describe('that is told of one slot', () => {
    it('gives it to a node that it knows, and keeps the others', () => {
      const table = tableOf(THREE);
      table.assign(0, at('10.0.0.2', 7001));
      expect(table.ownerOf(0)).toBe(table.ownerOf(5461));
      expect(table.ownerOf(1)?.host).toBe('10.0.0.1');
      expect(table.primaries()).toHaveLength(3);
    });

    it('takes a node up that it did not know', () => {
      const table = tableOf(THREE);
      table.assign(7, at('10.0.0.9', 7009));
      expect(table.primaries()).toContainEqual(at('10.0.0.9', 7009));
      expect(table.covered).toBe(true);
    });

    it('says what became of it', () => {
      const table = tableOf([
        [0, 16_382, ['a', 1, 'x']],
        [16_383, 16_383, ['b', 1, 'y']],
      ]);
      expect(table.assign(0, at('a', 1))).toBe('same');
      expect(table.assign(0, at('b', 1))).toBe('moved');
      expect(table.assign(0, at('c', 1))).toBe('primaries');
      expect(table.nameOf(0)).toBe('c:1');
      expect(table.assign(0, at('a', 1))).toBe('primaries');
      expect(table.primaries()).toEqual([at('a', 1), at('b', 1)]);
    });

    it('takes so many new nodes up and no more', () => {
      const table = tableOf(THREE);
      const said = Array.from({ length: 40 }, (_, n) => table.assign(7, at('rogue', n + 1)));
      expect(said.filter((what) => what === 'refused')).toHaveLength(24);
      expect(table.assign(7, at('10.0.0.1', 7000))).toBe('primaries');
      expect(table.primaries()).toHaveLength(3);
    });

    it('forgets a node whose last slot went', () => {
      const table = tableOf([
        [0, 16_382, ['a', 1, 'x']],
        [16_383, 16_383, ['b', 1, 'y']],
      ]);
      table.assign(16_383, at('a', 1));
      expect(table.primaries()).toEqual([at('a', 1)]);
    });
  });
});

/** Primaries with one slot each, and ranges of another one for the rest. */
const SINGLE = [7, 1024, 4095, 5000, 9999, 12_182, 15_000, 16_383].map(
  (slot): [number, number, unknown[]] => [slot, slot, [`host-${slot}`, 1, `${slot}`]],
);
const between = (slots: readonly number[]) =>
  slots.map((slot, n) => [(slots[n - 1] ?? -1) + 1, slot - 1, ['others', 1, 'x']]);

describe('a key for each primary', () => {
  const ownersOf = (table: SlotTable, keys: readonly string[]) =>
    keys.map((key) => table.ownerOf(keySlot(key)));

  it.each([
    ['one', [[0, 16_383, ['a', 1, 'x']]]],
    ['three', THREE],
    [
      'three of a thousand slots, others missing',
      [0, 1, 2].map((n) => [n * 1000, n * 1000 + 999, [`${n}`, 1]]),
    ],
    ['sixty', Array.from({ length: 60 }, (_, n) => [n * 273, n * 273 + 272, [`host-${n}`, 1, `${n}`]])],
    [
      'eight with a single slot beside one with the others',
      [...SINGLE, ...between(SINGLE.map(([slot]) => slot))],
    ],
  ])('covers %s with one that lies there', (_, reply) => {
    const table = tableOf(reply);
    const keys = table.keyPerPrimary('st:__probe:host:17');
    expect(ownersOf(table, keys)).toHaveLength(table.primaries().length);
    expect(new Set(ownersOf(table, keys))).toEqual(new Set(table.primaries()));
    for (const key of keys) expect(key).toMatch(/^st:__probe:host:17:\d+$/);
  });

  it('is the same until a slot goes somewhere else, and then covers the new primary', () => {
    const table = tableOf(THREE);
    const before = table.keyPerPrimary('st:a');
    expect(table.keyPerPrimary('st:a')).toBe(before);
    table.assign(keySlot(before[0] as string), at('10.0.0.9', 7009));
    const after = table.keyPerPrimary('st:a');
    expect(new Set(ownersOf(table, after))).toEqual(new Set(table.primaries()));
    expect(after).toHaveLength(4);
    expect(table.keyPerPrimary('st:b')).not.toEqual(after);
  });

  it('is no table with more primaries than any cluster has: each would cost every lane a connection', () => {
    const primaries = (count: number) =>
      Array.from({ length: count }, (_, slot) => [slot, slot, ['10.0.0.1', 7000 + slot, `id-${slot}`]]);
    expect(tableOf(primaries(256)).primaries()).toHaveLength(256);
    expect(read(primaries(257))).toBeUndefined();
  });

  it('is no table where a host is not a host', () => {
    expect(read([[0, 16_383, ['127.0.0.1\nEVIL', 7000, 'id']]])).toBeUndefined();
    expect(read([[0, 16_383, ['x'.repeat(1_000_000), 7000, 'id']]])).toBeUndefined();
  });
});
