import { beforeEach, describe, expect, it } from 'vitest';
import type { ManualClock } from '../../kernel/manual-clock.js';
import type { Metrics } from '../../telemetry/index.js';
import type { Subjects } from '../policies/policy.js';
import type { Leases } from './leases.js';
import type { StreamLease } from './stream-decision.js';
import { openStreamQuotas } from './stream-quotas.rig.js';
import type { StreamQuotaName } from './stream-quotas.table.js';
import type { StreamQuotas } from './stream-quotas.js';

/** Everything counted in this process, with nothing replaced: the quotas of the house, their policy, the metrics. */
describe('StreamQuotas', () => {
  let clock: ManualClock;
  let metrics: Metrics;
  let leases: Leases;
  let blocked: Record<string, number>;
  let streams: StreamQuotas;

  beforeEach(() => {
    ({ clock, metrics, leases, blocked, streams } = openStreamQuotas());
  });

  async function fill(subjects: Subjects, name: StreamQuotaName = 'chat'): Promise<StreamLease[]> {
    const opened: StreamLease[] = [];
    for (;;) {
      const { lease } = await streams.open(name, subjects);
      if (!lease) return opened;
      opened.push(lease);
    }
  }

  it('counts a user under his tenant, and leaves the address alone', async () => {
    expect(await fill({ ip: '192.0.2.1', tenant: 'acme', user: 'ann' })).toHaveLength(5);
    const { decision } = await streams.open('chat', { ip: '192.0.2.1', tenant: 'acme', user: 'ann' });
    expect(decision).toMatchObject({
      allowed: false,
      state: 'throttle',
      degraded: false,
      retryAfterMs: 5000,
    });
    expect(decision.limits.map(({ limit, state, remaining }) => [limit.name, state, remaining])).toEqual([
      ['chat-tenant', 'allow', 45],
      ['chat-user', 'throttle', 0],
    ]);
    expect(await fill({ ip: '192.0.2.1', tenant: 'acme', user: 'bob' })).toHaveLength(5);
  });

  it('counts who is not known by the address, in whatever notation, and what is closed no more', async () => {
    const [first] = await fill({ ip: '192.0.2.1' });
    expect((await streams.open('chat', { ip: '::ffff:192.0.2.1' })).allowed).toBe(false);
    first?.close();
    first?.close();
    expect(await fill({ ip: '192.0.2.1' })).toHaveLength(1);
    expect((await streams.open('chat', { ip: '192.0.2.2' })).allowed).toBe(true);
  });

  it('keeps the quotas apart', async () => {
    expect(await fill({ user: 'ann' })).toHaveLength(5);
    expect(await fill({ user: 'ann' }, 'billing')).toHaveLength(3);
  });

  it('asks the policy for opening first, and says so', async () => {
    const ip = '192.0.2.1';
    for (let n = 0; n < 20; n += 1) (await streams.open('chat', { ip, user: `u${n}` })).lease?.close();
    const { allowed, decision } = await streams.open('chat', { ip, user: 'ann' });
    expect([allowed, decision.connects?.allowed, decision.limits]).toEqual([false, false, []]);
    expect(decision.retryAfterMs).toBe(1000);
    expect(leases.size).toBe(0);
    // Not known by address: that policy counts nobody.
    expect((await streams.open('chat', { user: 'ann' })).allowed).toBe(true);
  });

  it('refuses whom an operator has blocked, by a dimension that only the quota counts', async () => {
    blocked['user'] = 90_000;
    expect((await streams.open('chat', { user: 'ann', tenant: 'acme' })).decision).toMatchObject({
      allowed: false,
      state: 'block',
      retryAfterMs: 90_000,
    });
  });

  it.each(['ip', 'network', 'apiKey'] as const)(
    'refuses whom an operator has blocked by %s, which no limit counts',
    async (dimension) => {
      blocked[dimension] = 90_000;
      const subjects = { user: 'ann', ip: '192.0.2.1', network: '192.0.2.1', apiKey: 'k' };
      // Its address has a limit for those who are not known only, and no policy for opening counts it.
      const { allowed, decision } = await streams.open('quiet' as StreamQuotaName, subjects);
      expect([allowed, decision.state, decision.retryAfterMs]).toEqual([false, 'block', 90_000]);
      clock.advance(90_000);
      expect((await streams.open('quiet' as StreamQuotaName, subjects)).allowed).toBe(true);
    },
  );

  it('counts nobody in silence', async () => {
    await expect(streams.open('chat', {})).rejects.toThrow(
      /"chat" counts by tenant, user, ip, and none of them is known/,
    );
    await expect(streams.open('chta' as 'chat', { user: 'ann' })).rejects.toThrow(/no stream quota "chta"/);
  });

  it('counts what it decides and what is open', async () => {
    const [lease] = await fill({ user: 'ann' });
    lease?.close();
    const text = await metrics.registry.metrics();
    expect(text).toContain('rate_limit_streams_open{quota="chat"} 4');
    expect(text).toContain('rate_limit_stream_opens_total{quota="chat",state="allow",backend="memory"} 5');
    expect(text).toContain('rate_limit_stream_opens_total{quota="chat",state="throttle",backend="memory"} 1');
    expect(text).toContain('rate_limit_streams_open{quota="billing"} 0');
    expect(text).toContain('rate_limit_leases_readded_total{limit="chat-user"} 0');
  });
});
