import { expect, it } from 'vitest';
import type { StreamLease, Subjects } from '../../src/rate-limit/index.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { type Instance, useFleet } from './control/fleet.js';

/** A second is promised; a machine that does other work as well may take its time. */
const PATIENCE = { timeoutMs: 5_000 };

describeReal('A number of streams that an operator sets while instances run', () => {
  const fleet = useFleet({}, { RATE_LIMIT_INSTANCES: '2' });
  const pair = () => Promise.all([fleet.open(), fleet.open()]);

  async function fill({ streams }: Instance, subjects: Subjects): Promise<StreamLease[]> {
    const opened: StreamLease[] = [];
    for (;;) {
      const { lease } = await streams.open('chat', subjects);
      if (!lease) return opened;
      opened.push(lease);
    }
  }
  const known = ({ control }: Instance, count: number) =>
    waitFor(() => control.overrides().length === count, { what: `${count} overrides`, ...PATIENCE });

  it('holds at once where it was set and elsewhere without a stream there, until it is taken back', async () => {
    const [one, two] = await pair();
    expect(await fill(two, { user: 'gold-1' })).toHaveLength(5);
    await one.control.overrideStreams('chat', 'chat-user', { pattern: 'gold-*' }, 50);
    await one.control.overrideStreams('chat', 'chat-user', { subject: 'ann' }, 8);
    expect(await fill(one, { user: 'ann' })).toHaveLength(8);
    await known(two, 2);
    // Five of them are open already.
    expect(await fill(two, { user: 'gold-1' })).toHaveLength(45);
    expect((await two.streams.open('chat', { user: 'ann' })).allowed).toBe(false);
    expect(await fill(two, { user: 'bob' })).toHaveLength(5);
    expect(await two.control.removeStreamOverride('chat', 'chat-user', { pattern: 'gold-*' })).toBe(true);
    await known(one, 1);
    expect(await fill(one, { user: 'gold-2' })).toHaveLength(5);
  });

  it('that is lower closes nothing, and lets new streams in when enough have ended', async () => {
    const [one, two] = await pair();
    const opened = await fill(two, { user: 'ann' });
    await one.control.overrideStreams('chat', 'chat-user', { subject: 'ann' }, 2);
    await known(two, 1);
    const denied = await two.streams.open('chat', { user: 'ann' });
    expect(denied.decision).toMatchObject({ allowed: false, state: 'throttle', backend: 'redis' });
    // When the fourth of five leases would run out: two are fewer than two then.
    expect(denied.decision.retryAfterMs).toBeGreaterThan(30_000);
    expect(await two.metric('rate_limit_streams_open{quota="chat"}')).toBe(5);
    for (const lease of opened.splice(0, 4)) lease.close();
    await waitFor(async () => (await two.streams.open('chat', { user: 'ann' })).allowed, {
      what: 'room for a second stream',
      ...PATIENCE,
    });
    expect((await one.streams.open('chat', { user: 'ann' })).allowed).toBe(false);
  });

  it('is what each instance has its share of while Redis is away, and what it is when Redis is back', async () => {
    const [one] = await pair();
    await one.control.overrideStreams('chat', 'chat-user', { subject: 'ann' }, 20);
    const away = () => one.store.facts().backend === 'memory';
    await fleet.proxy.refuse();
    await waitFor(away, { what: 'the outage', ...PATIENCE });
    const shared = await fill(one, { user: 'ann' });
    expect(shared).toHaveLength(10);
    expect(await fill(one, { user: 'bob' })).toHaveLength(2);
    await expect(
      one.control.overrideStreams('chat', 'chat-user', { subject: 'ann' }, 30),
    ).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    expect(one.control.overrides()).toMatchObject([{ streams: 20 }]);
    await fleet.proxy.pass();
    await waitFor(() => !away(), { what: 'the return', ...PATIENCE });
    await waitFor(
      async () => {
        const keys = await fleet.server.admin().keys('rl:{g}:c:*');
        const counts = await Promise.all(keys.map((key) => fleet.server.admin().zcard(key)));
        return counts.includes(shared.length);
      },
      { what: 'the streams to be known again', ...PATIENCE },
    );
    expect(await fill(one, { user: 'ann' })).toHaveLength(10);
  });
});
