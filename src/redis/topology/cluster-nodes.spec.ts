import { beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../dialer.js';
import { type ClusterNode, ClusterNodes, MOST_OUTSIDERS } from './cluster-nodes.js';
import { SlotTable } from './slot-table.js';
import { describeAddress } from './topology.js';

const at = (host: string): Address => ({ host, port: 1 });

function tableOf(...hosts: string[]): SlotTable {
  const ranges = hosts.map((host, n) => [n, n === hosts.length - 1 ? 16_383 : n, [host, 1, host]]);
  const table = SlotTable.read(ranges, at('asked'));
  if (!table) throw new Error('No table');
  return table;
}

/** Connections that are never made. */
class FakeNode {
  opened = 0;
  closing: (() => void) | undefined;
  inFlight = 0;
  opening = false;
  readonly client = { usable: true };
  constructor(readonly addresses: readonly Address[]) {}
  open(): void {
    this.opened += 1;
  }
  close(): Promise<void> {
    return new Promise((resolve) => (this.closing = resolve));
  }
}

describe('ClusterNodes', () => {
  let table: SlotTable | undefined;
  let made: Map<string, FakeNode[]>;
  let left: string[];
  let nodes: ClusterNodes;

  beforeEach(() => {
    table = undefined;
    made = new Map();
    left = [];
    nodes = new ClusterNodes({
      purpose: 'authCache',
      map: {
        get known() {
          return table;
        },
        moved: () => undefined,
      },
      connect: (address) => {
        const name = describeAddress(address);
        const node = new FakeNode([address]);
        made.set(name, [...(made.get(name) ?? []), node]);
        return node as unknown as ClusterNode;
      },
      changed: () => undefined,
      left: (node) => left.push(String(node.addresses[0]?.host)),
    });
  });

  const follow = (fresh: boolean, ...hosts: string[]) => {
    table = tableOf(...hosts);
    nodes.follow(fresh);
  };
  const hosts = () => nodes.members.map(({ addresses }) => addresses[0]?.host);
  const only = (name: string) => {
    const [node, ...others] = made.get(name) ?? [];
    if (!node || others.length > 0) throw new Error(`${name}: ${others.length + (node ? 1 : 0)} connections`);
    return node;
  };

  it('has nobody to ask before the table is known', () => {
    expect(nodes.forSlot(7)).toBeUndefined();
    expect(nodes.forSlot(undefined)).toBeUndefined();
    expect(nodes.complete).toBe(false);
    expect(nodes.unavailable()).toMatchObject({ reason: 'clusterdown', maybeExecuted: false });
  });

  it('has one open connection to each primary', () => {
    follow(true, 'a', 'b');
    follow(true, 'a', 'b');
    expect(hosts()).toEqual(['a', 'b']);
    expect([only('a:1').opened, only('b:1').opened]).toEqual([1, 1]);
    expect(nodes.forSlot(0)?.addresses).toEqual([at('a')]);
    expect(nodes.forSlot(16_383)?.addresses).toEqual([at('b')]);
  });

  it('lets those go that have no slot any more', () => {
    follow(true, 'a', 'b');
    follow(false, 'a', 'c');
    expect(hosts()).toEqual(['a', 'c']);
    expect(left).toEqual(['b']);
    expect(only('b:1').closing).toBeDefined();
  });

  it('sends what has no key to a node that can be used', () => {
    follow(true, 'a', 'b');
    only('a:1').client.usable = false;
    expect(nodes.forSlot(undefined)?.addresses).toEqual([at('b')]);
  });

  describe('that was sent to a node outside the table', () => {
    beforeEach(() => follow(true, 'a', 'b'));

    it('opens it once, and is as complete as before', () => {
      expect(nodes.at(at('x'))).toBe(nodes.at(at('x')));
      only('x:1').client.usable = false;
      expect(only('x:1').opened).toBe(1);
      expect(nodes.complete).toBe(true);
      expect(hosts()).toEqual(['a', 'b']);
      expect(nodes.hasOutsiders).toBe(true);
    });

    it('counts what is on its way there', () => {
      nodes.at(at('x'));
      only('x:1').inFlight = 2;
      only('a:1').inFlight = 1;
      expect(nodes.inFlight).toBe(3);
    });

    it('lets it go when nobody asked for it between two tables, and not because a slot moved', () => {
      nodes.at(at('x'));
      follow(true, 'a', 'b');
      nodes.at(at('x'));
      follow(false, 'a', 'b', 'c');
      follow(true, 'a', 'b');
      expect(nodes.hasOutsiders).toBe(true);
      follow(true, 'a', 'b');
      expect(nodes.hasOutsiders).toBe(false);
      expect(left).toEqual(['c', 'x']);
      expect(only('x:1').closing).toBeDefined();
    });

    it('keeps its connection when it gets its first slot', () => {
      nodes.at(at('x'));
      follow(true, 'a', 'x');
      expect(only('x:1').opened).toBe(1);
      expect(only('x:1').closing).toBeUndefined();
      expect(nodes.hasOutsiders).toBe(false);
      expect(hosts()).toEqual(['a', 'x']);
    });

    it('believes in so many of them and no more', () => {
      const found = Array.from({ length: 100 }, (_, n) => nodes.at({ host: 'rogue', port: n + 1 }));
      expect(found.filter((node) => node !== undefined)).toHaveLength(MOST_OUTSIDERS);
      expect(nodes.at(at('a'))).toBe(nodes.members[0]);
    });
  });

  it('is closed when all are, those that were leaving included, and opens none afterwards', async () => {
    follow(true, 'a', 'b');
    nodes.at(at('x'));
    follow(false, 'a');
    let closed = false;
    const closing = nodes.close(100).then(() => (closed = true));
    only('a:1').closing?.();
    only('x:1').closing?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    only('b:1').closing?.();
    await closing;
    follow(true, 'a', 'd');
    expect(nodes.at(at('e'))).toBeUndefined();
    expect([...made.keys()]).toEqual(['a:1', 'b:1', 'x:1']);
  });
});
