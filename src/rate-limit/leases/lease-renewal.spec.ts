import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { compileQuotas, type CompiledQuota } from './compiled-quota.js';
import { type Lease, MOST_LEASES_PER_CALL } from './lease.js';
import { LeaseRenewal } from './lease-renewal.js';
import { OpenLeases } from './open-leases.js';

const EVERY_MS = 15_000;
const quota = compileQuotas({ chat: { concurrent: [{ per: 'user', streams: 5 }] } }, () => true).get(
  'chat',
) as CompiledQuota;

/** Lets what was awaited go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('LeaseRenewal', () => {
  let clock: ManualClock;
  let open: OpenLeases;
  let calls: string[][];
  let answer: (leases: readonly Lease[]) => Promise<void>;
  let lost: string | undefined;
  let closedMeanwhile: string[];
  let failures: number;
  let renewal: LeaseRenewal;

  beforeEach(() => {
    [clock, open, calls, closedMeanwhile, failures] = [
      new ManualClock(),
      new OpenLeases(() => undefined),
      [],
      [],
      0,
    ];
    lost = undefined;
    answer = () => Promise.resolve();
    renewal = new LeaseRenewal({
      open,
      clock,
      everyMs: EVERY_MS,
      lost: () => lost,
      store: {
        renew: (leases) => {
          calls.push(leases.map(({ id }) => id));
          return answer(leases);
        },
      },
      onClosedMeanwhile: (leases) => closedMeanwhile.push(...leases.map(({ id }) => id)),
      onFailed: () => (failures += 1),
    });
  });

  function hold(id: string, { shared = true } = {}): Lease {
    const lease: Lease = { id, quota, seats: [], shared, renewedAtMs: clock.monotonicMs() };
    open.add(lease);
    renewal.watch();
    return lease;
  }

  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    await settle();
  }

  it('renews all open leases in one call, every third of their life', async () => {
    hold('a');
    hold('b');
    await pass(EVERY_MS - 1);
    expect(calls).toEqual([]);
    await pass(1);
    await pass(EVERY_MS);
    expect(calls).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  it('does nothing while no stream is open, and begins anew with the next one', async () => {
    open.remove(hold('a'));
    await pass(10 * EVERY_MS);
    expect(calls).toEqual([]);
    hold('b');
    await pass(EVERY_MS);
    expect(calls).toEqual([['b']]);
  });

  it('leaves out what was opened a moment ago, and what Redis does not count', async () => {
    hold('old');
    await pass(EVERY_MS - 100);
    hold('new');
    hold('own', { shared: false });
    await pass(100);
    expect(calls).toEqual([['old']]);
    await pass(EVERY_MS);
    expect(calls[1]).toEqual(['old', 'new']);
  });

  it('asks for a few hundred at a time', async () => {
    for (let n = 0; n < 2 * MOST_LEASES_PER_CALL + 1; n += 1) hold(`${n}`);
    await pass(EVERY_MS);
    expect(calls.map(({ length }) => length)).toEqual([MOST_LEASES_PER_CALL, MOST_LEASES_PER_CALL, 1]);
  });

  it('tries again after a second what has failed, and only that', async () => {
    for (let n = 0; n < MOST_LEASES_PER_CALL + 1; n += 1) hold(`${n}`);
    answer = (leases) => (leases.length === 1 ? Promise.reject(new Error('no')) : Promise.resolve());
    await pass(EVERY_MS);
    expect(failures).toBe(1);
    answer = () => Promise.resolve();
    await pass(1000);
    expect(calls[2]).toEqual([`${MOST_LEASES_PER_CALL}`]);
    await pass(EVERY_MS - 1000);
    expect(calls).toHaveLength(3);
  });

  it('asks nobody while Redis is lost, and renews everything when it is back, however new', async () => {
    hold('a');
    lost = 'refused';
    await pass(3 * EVERY_MS);
    expect(calls).toEqual([]);
    hold('b');
    lost = undefined;
    renewal.now();
    await settle();
    expect(calls).toEqual([['a', 'b']]);
  });

  it('renews everything once more when Redis came back during a renewal', async () => {
    hold('a');
    let go = (): void => undefined;
    answer = () => new Promise((resolve) => (go = resolve));
    await pass(EVERY_MS);
    renewal.now();
    answer = () => Promise.resolve();
    go();
    await settle();
    expect(calls).toEqual([['a'], ['a']]);
  });

  it.each(['fails', 'finds Redis lost again'])(
    'puts back everything that is older than the return where the first pass %s, without asking at once',
    async (how) => {
      hold('old');
      await pass(EVERY_MS - 1500);
      hold('new');
      // Redis was away for a moment, and is back.
      await pass(1000);
      if (how === 'fails') answer = () => Promise.reject(new Error('no'));
      else lost = 'refused';
      renewal.now();
      await settle();
      const asked = how === 'fails' ? [['old', 'new']] : [];
      expect(calls).toEqual(asked);
      hold('newer');
      [answer, lost] = [() => Promise.resolve(), undefined];
      await pass(1000);
      expect(calls).toEqual([...asked, ['old', 'new', 'newer']]);
    },
  );

  it('says which leases were closed while Redis was asked, and asks for none that were closed before', async () => {
    const leases = Array.from({ length: MOST_LEASES_PER_CALL + 1 }, (_, n) => hold(`${n}`));
    answer = () => {
      open.remove(leases[0] as Lease);
      open.remove(leases.at(-1) as Lease);
      return Promise.resolve();
    };
    await pass(EVERY_MS);
    expect(calls).toHaveLength(1);
    expect(closedMeanwhile).toEqual(['0']);
  });

  it('is over when it is stopped', async () => {
    hold('a');
    renewal.stop();
    await pass(EVERY_MS);
    hold('b');
    await pass(EVERY_MS);
    expect(calls).toEqual([]);
  });
});
