import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { HandshakeError } from '../handshake-error.js';
import { LiveAccess } from '../live-access.js';
import { ClusterMap, MOST_ASKED } from './cluster-map.js';
import { describeAddress } from './topology.js';

const at = (host: string) => ({ host, port: 1 });
type Said = HandshakeError | { epoch: number; state?: 'ok' | 'fail'; slots: unknown };

/** What CLUSTER SLOTS says of nodes that share the slots evenly. */
function slotsOf(...hosts: string[]): unknown {
  const share = Math.floor(16_384 / hosts.length);
  return hosts.map((host, n) => {
    const last = n === hosts.length - 1 ? 16_383 : (n + 1) * share - 1;
    return [n * share, last, [host, 1, 'one cluster']];
  });
}

describe('ClusterMap', () => {
  let clock: ManualClock;
  let says: Map<string, Said>;
  let asked: string[];
  let heard: string[];
  /** While set, questions wait for it. */
  let held: Promise<void> | undefined;

  beforeEach(() => {
    clock = new ManualClock();
    says = new Map();
    asked = [];
    heard = [];
    held = undefined;
  });

  function mapOf(seeds: string[], random = () => 0): ClusterMap {
    const map = new ClusterMap({
      seeds: seeds.map(at),
      tls: false,
      access: new LiveAccess({}, {}),
      clock,
      firstAnswerMs: 1000,
      random,
      converse: async ({ address }, talk) => {
        asked.push(address.host);
        await held;
        const said = says.get(address.host) ?? new HandshakeError('refused', 'nothing listens there');
        if (said instanceof Error) throw said;
        return talk((_, what) =>
          Promise.resolve(
            what === 'SLOTS'
              ? said.slots
              : `cluster_state:${said.state ?? 'ok'}\r\ncluster_current_epoch:${said.epoch}\r\n`,
          ),
        );
      },
    });
    map.listen({
      changed: (fresh) => heard.push(fresh ? 'fresh' : 'moved'),
      failed: ({ reason, message }) => heard.push(`${reason}: ${message}`),
    });
    return map;
  }

  const primariesOf = (map: ClusterMap) => map.known?.primaries().map(describeAddress);
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  /** Moves time on and counts the rounds of questions. */
  async function roundsIn(ms: number): Promise<number> {
    const before = asked.length;
    for (let passed = 0; passed < ms; passed += 10) {
      clock.advance(10);
      await settle();
    }
    return asked.length - before;
  }

  it('believes the highest epoch', async () => {
    says.set('a', { epoch: 4, slots: slotsOf('a', 'old') });
    says.set('b', { epoch: 5, slots: slotsOf('a', 'new') });
    const map = mapOf(['a', 'b']);
    await map.refresh();
    expect(primariesOf(map)).toEqual(['a:1', 'new:1']);
    expect(heard).toEqual(['fresh']);
  });

  it('keeps what it knows when whoever answers has lost the others', async () => {
    says.set('a', { epoch: 4, slots: slotsOf('a') });
    const map = mapOf(['a']);
    await map.refresh();
    says.set('a', { epoch: 4, state: 'fail', slots: slotsOf('past') });
    await map.refresh();
    expect(primariesOf(map)).toEqual(['a:1']);
  });

  it('asks once at a time, and not at all when it is closed', async () => {
    const map = mapOf(['a']);
    expect(map.refresh()).toBe(map.refresh());
    map.close();
    await settle();
    await map.refresh();
    expect(asked).toEqual(['a']);
    expect(heard).toEqual([]);
  });

  it.each(['auth', 'noperm', 'tls', 'protocol'] as const)(
    'tells %s rather than the silence of the node before, and names the node',
    async (reason) => {
      says.set('b', new HandshakeError(reason, 'what is wrong'));
      await mapOf(['a', 'b']).refresh();
      expect(heard).toEqual([`${reason}: the node at b:1: what is wrong`]);
    },
  );

  it('tells a wrong topology rather than anything else', async () => {
    says.set('a', new HandshakeError('auth', 'refused'));
    says.set('b', new HandshakeError('topology', 'the server at b:1 is no node of a cluster'));
    await mapOf(['a', 'b']).refresh();
    expect(heard).toEqual(['topology: the server at b:1 is no node of a cluster']);
  });

  it('tells what nobody answered when all are silent', async () => {
    await mapOf(['a', 'b']).refresh();
    expect(heard).toEqual(['refused: the node at a:1: nothing listens there']);
  });

  describe('that is told of a move', () => {
    let map: ClusterMap;
    beforeEach(async () => {
      says.set('a', { epoch: 1, slots: slotsOf('a', 'b') });
      map = mapOf(['a']);
      await map.refresh();
      heard.length = 0;
    });

    it('tells its lanes only when a primary came or went', () => {
      map.moved(0, at('b'));
      expect(heard).toEqual([]);
      map.moved(0, at('c'));
      expect(heard).toEqual(['moved']);
      expect(map.known?.nameOf(0)).toBe('c:1');
    });

    it('asks soon, however often it is told', async () => {
      for (let n = 0; n < 100; n += 1) map.moved(n, at('b'));
      expect(await roundsIn(1000)).toBe(2);
      expect(heard).toEqual(['fresh']);
    });

    it('does nothing when that is no news', async () => {
      map.moved(0, at('a'));
      expect(await roundsIn(1000)).toBe(0);
    });
  });

  it('asks four times a second at first, and less often as the trouble grows old', async () => {
    mapOf(['a']).note('lane', true);
    expect(await roundsIn(2000)).toBeGreaterThanOrEqual(6);
    await roundsIn(30_000);
    const late = await roundsIn(20_000);
    expect(late).toBeGreaterThanOrEqual(9);
    expect(late).toBeLessThanOrEqual(10);
  });

  it('begins anew with the next trouble', async () => {
    says.set('a', { epoch: 1, slots: slotsOf('a') });
    const map = mapOf(['a']);
    await map.refresh();
    map.note('lane', true);
    await roundsIn(60_000);
    map.note('lane', false);
    await roundsIn(10_000);
    expect(await roundsIn(10_000)).toBe(0);
    map.note('lane', true);
    expect(await roundsIn(1000)).toBeGreaterThanOrEqual(3);
  });

  it('does not ask in step with others', async () => {
    const early = mapOf(['a'], () => 0.99);
    early.note('lane', true);
    expect(await roundsIn(200)).toBe(1);
    early.close();
    mapOf(['a'], () => 0).note('lane', true);
    expect(await roundsIn(200)).toBe(0);
  });

  it('asks a few of many nodes at once, and others the next time while something is missing', async () => {
    const hosts = Array.from({ length: 12 }, (_, n) => `n${n}`);
    for (const host of hosts) says.set(host, { epoch: 1, slots: slotsOf(...hosts) });
    const map = mapOf(['n0', 'seed']);
    await map.refresh();
    asked.length = 0;
    await map.refresh();
    expect(asked).toEqual(hosts.slice(0, MOST_ASKED));
    map.note('lane', true);
    for (let round = 0; round < 3; round += 1) await map.refresh();
    expect(new Set(asked)).toEqual(new Set([...hosts, 'seed']));
    map.close();
  });

  it('asks on when nobody answered, although no lane misses a node', async () => {
    says.set('a', { epoch: 1, slots: slotsOf('a') });
    const map = mapOf(['a']);
    await map.refresh();
    says.delete('a');
    await map.refresh();
    expect(await roundsIn(1000)).toBeGreaterThanOrEqual(3);
    says.set('a', { epoch: 2, slots: slotsOf('a') });
    await roundsIn(500);
    expect(await roundsIn(5000)).toBe(0);
  });
});
