import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import type { Address } from '../dialer.js';
import { HandshakeError } from '../handshake-error.js';
import { keySlot } from '../key-slot.js';
import type { LaneConnectionEvents, LaneConnectionOptions } from '../lane-connection.js';
import { LiveAccess } from '../live-access.js';
import { lossFor } from '../loss.js';
import { PURPOSES } from '../purposes.js';
import { ReconnectPace } from '../reconnect-pace.js';
import { ClusterLane } from './cluster-lane.js';
import type { ClusterMapEvents } from './cluster-map.js';
import type { ClusterNode } from './cluster-nodes.js';
import { SlotTable } from './slot-table.js';

const at = (host: string): Address => ({ host, port: 1 });

/** One slot for each host, and all others for the last. */
function tableOf(...hosts: string[]): SlotTable {
  const ranges = hosts.map((host, n) => [n, n === hosts.length - 1 ? 16_383 : n, [host, 1, host]]);
  const table = SlotTable.read(ranges, at('asked'));
  if (!table) throw new Error('No table');
  return table;
}

/** A connection that fares as the test says. */
class FakeNode {
  readonly client = { usable: false };
  readonly drops: string[] = [];
  inFlight = 0;
  opening = true;
  constructor(
    readonly addresses: readonly Address[],
    private readonly events: LaneConnectionEvents,
  ) {}
  open(): void {}
  close(): Promise<void> {
    return Promise.resolve();
  }
  drop(reason: string): void {
    this.drops.push(reason);
  }
  prove(): void {
    this.client.usable = true;
    this.events.proven('command', { runId: this.addresses[0]?.host ?? '' }, []);
  }
  stall(stalled: boolean): void {
    this.client.usable = !stalled;
    this.events.stalled(stalled);
  }
  lose(reason: 'refused' | 'readonly' = 'refused'): void {
    this.client.usable = false;
    this.events.lost('command', lossFor(reason), []);
  }
}

describe('ClusterLane', () => {
  let heard: string[];
  let table: SlotTable | undefined;
  let map: ClusterMapEvents;
  let misses: boolean;
  let refreshes: number;
  let nodes: Map<string, FakeNode>;
  let lane: ClusterLane;

  beforeEach(() => {
    const clock = new ManualClock();
    heard = [];
    table = undefined;
    misses = false;
    refreshes = 0;
    nodes = new Map();
    const definition = PURPOSES.authCache;
    const access = new LiveAccess({}, {});
    const budget = { plan: (ms: number) => ms, spend: () => undefined, withdraw: () => undefined };
    lane = new ClusterLane({
      purpose: 'authCache',
      lane: 'command',
      budget: definition.lanes.command,
      expected: {
        engine: 'redis',
        definition,
        db: 0,
        access,
        clientName: 'bulkhead',
        enforced: false,
        topology: 'cluster',
        waitReplicas: 0,
      },
      tls: false,
      access,
      probeKey: 'auth:__proof',
      clock,
      pace: () => new ReconnectPace({ clock, capMs: 1000, budget }),
      map: {
        get known() {
          return table;
        },
        listen: (events) => (map = events),
        moved: () => undefined,
        note: (_, missing) => (misses = missing),
        refresh: () => Promise.resolve(void (refreshes += 1)),
        refreshSoon: () => undefined,
      },
      createNode: ({ events }: LaneConnectionOptions) => {
        const node = new FakeNode([at(`node${nodes.size}`)], events);
        nodes.set(`node${nodes.size}`, node);
        return node as unknown as ClusterNode;
      },
      events: {
        attempting: () => undefined,
        connected: () => undefined,
        called: () => undefined,
        refused: () => undefined,
        proven: (_, { runIds }) => heard.push(`proven ${runIds?.join('+')}`),
        lost: (_, { detail }) => heard.push(`lost ${detail}`),
        stalled: (stalled) => heard.push(stalled ? 'stalled' : 'flows'),
      },
    });
  });

  const node = (n: number): FakeNode => {
    const found = nodes.get(`node${n}`);
    if (!found) throw new Error(`No node ${n}`);
    return found;
  };
  function follow(...hosts: string[]): void {
    table = tableOf(...hosts);
    map.changed(true);
  }
  /** Two primaries that are proven, and nothing heard since. */
  function stand(): void {
    follow('a', 'b');
    node(0).prove();
    node(1).prove();
    heard.length = 0;
  }
  const silence = new HandshakeError('timeout', 'nobody answered');

  it('is proven when every primary is, and says which servers they are', () => {
    follow('a', 'b');
    node(0).prove();
    expect(heard).toEqual([]);
    expect(misses).toBe(true);
    node(1).prove();
    expect(heard).toEqual(['proven node0+node1']);
    expect(misses).toBe(false);
  });

  it('is lost with one of them, and names it', () => {
    stand();
    node(1).lose();
    expect(heard).toEqual(['lost b:1: nothing listens there']);
    node(1).prove();
    expect(heard.at(-1)).toBe('proven node0+node1');
  });

  it('asks at once who has the slots when a primary turns out to be a replica', () => {
    stand();
    node(1).lose('readonly');
    expect(refreshes).toBe(1);
  });

  it('flows again when the node that stalled leaves the table', () => {
    stand();
    node(1).stall(true);
    expect(heard).toEqual(['stalled']);
    follow('a');
    expect(heard).toEqual(['stalled', 'flows']);
  });

  it('does not hear of a node that has left: it lives on for a moment', () => {
    stand();
    follow('a');
    heard.length = 0;
    node(1).stall(true);
    node(1).lose();
    expect(heard).toEqual([]);
  });

  it('flows again when the stalled connection was replaced, which tells nobody', () => {
    stand();
    node(1).stall(true);
    node(1).prove();
    expect(heard).toEqual(['stalled', 'flows']);
  });

  it('flows again when the last of several does', () => {
    stand();
    node(0).stall(true);
    node(1).stall(true);
    node(0).stall(false);
    expect(heard).toEqual(['stalled']);
    node(1).stall(false);
    expect(heard).toEqual(['stalled', 'flows']);
  });

  it('stands when nobody answers about the slots, while all of its connections stand', () => {
    stand();
    map.failed(silence);
    expect(heard).toEqual([]);
  });

  it('is lost when nobody answers and a node is missing, or nothing is known yet', () => {
    map.failed(silence);
    expect(heard).toEqual(['lost nobody answered']);
    stand();
    node(1).lose();
    map.failed(silence);
    expect(heard.at(-1)).toBe('lost nobody answered');
  });

  it('ends only the connection to the primary whose key failed', () => {
    stand();
    const key = 'auth:a';
    table?.assign(keySlot(key), at('a'));
    lane.drop('auth', key);
    expect([node(0).drops, node(1).drops]).toEqual([['auth'], []]);
    lane.drop('readonly');
    expect([node(0).drops, node(1).drops]).toEqual([['auth', 'readonly'], ['readonly']]);
  });
});
