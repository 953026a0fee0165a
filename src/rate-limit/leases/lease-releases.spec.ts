import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { compileQuotas, type CompiledQuota } from './compiled-quota.js';
import { type Lease, MOST_LEASES_PER_CALL } from './lease.js';
import { LeaseReleases } from './lease-releases.js';

const LEASE_MS = 45_000;
const quota = compileQuotas(
  { chat: { concurrent: [{ per: 'user', streams: 5 }], leaseMs: LEASE_MS } },
  () => true,
).get('chat') as CompiledQuota;
const lease = (id: string): Lease => ({ id, quota, seats: [], shared: true, renewedAtMs: 0 });

/** A turn of the event loop, and what follows from it. */
const turn = async () => {
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('LeaseReleases', () => {
  let clock: ManualClock;
  let calls: string[][];
  let answer: () => Promise<void>;
  let lost: string | undefined;
  let releases: LeaseReleases;

  beforeEach(() => {
    [clock, calls, lost] = [new ManualClock(), [], undefined];
    answer = () => Promise.resolve();
    releases = new LeaseReleases({
      clock,
      lost: () => lost,
      store: {
        release: (leases) => {
          calls.push(leases.map(({ id }) => id));
          return answer();
        },
      },
    });
  });

  it('frees in one call what is closed in one turn', async () => {
    for (const id of ['a', 'b', 'c']) releases.add(lease(id));
    expect(calls).toEqual([]);
    await turn();
    expect(calls).toEqual([['a', 'b', 'c']]);
    expect(releases.size).toBe(0);
  });

  it('frees a few hundred at a time', async () => {
    for (let n = 0; n < MOST_LEASES_PER_CALL + 1; n += 1) releases.add(lease(`${n}`));
    await turn();
    expect(calls.map(({ length }) => length)).toEqual([MOST_LEASES_PER_CALL, 1]);
  });

  it('tries again after a second what was not answered, with what was closed since', async () => {
    answer = () => Promise.reject(new Error('no'));
    releases.add(lease('a'));
    await turn();
    answer = () => Promise.resolve();
    clock.advance(1000);
    await turn();
    expect(calls).toEqual([['a'], ['a']]);
    expect(releases.size).toBe(0);
  });

  it('keeps what is closed while Redis is lost, until it is told that Redis is back', async () => {
    lost = 'refused';
    releases.add(lease('a'));
    await turn();
    lost = undefined;
    await releases.flush();
    expect(calls).toEqual([['a']]);
  });

  it('forgets what has run out by itself', async () => {
    lost = 'refused';
    releases.add(lease('a'));
    await turn();
    clock.advance(LEASE_MS);
    lost = undefined;
    await releases.flush();
    expect([calls, releases.size]).toEqual([[], 0]);
  });

  it('frees again what was said to be free while Redis was asked', async () => {
    answer = () => {
      answer = () => Promise.resolve();
      releases.add(lease('a'));
      return Promise.resolve();
    };
    releases.add(lease('a'));
    await turn();
    expect(calls).toEqual([['a'], ['a']]);
    expect(releases.size).toBe(0);
  });

  it('asks nobody any more when it is stopped', async () => {
    answer = () => Promise.reject(new Error('no'));
    releases.add(lease('a'));
    await turn();
    releases.stop();
    releases.add(lease('b'));
    clock.advance(10_000);
    await turn();
    expect(calls).toEqual([['a']]);
  });

  it('holds a bounded number', async () => {
    lost = 'refused';
    for (let n = 0; n < 50_002; n += 1) releases.add(lease(`${n}`));
    expect(releases.size).toBe(50_000);
    lost = undefined;
    await releases.flush();
    expect(calls[0]?.[0]).toBe('2');
  });
});
