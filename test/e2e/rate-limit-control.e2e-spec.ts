import { expect, it } from 'vitest';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { applicationRule, CANARY } from '../faults/support/site.js';
import { type Instance, logged, useFleet } from './control/fleet.js';

const MINUTE_MS = 60_000;
/** A second is promised; a machine that does other work as well may take its time. */
const PATIENCE = { timeoutMs: 5_000 };

describeReal('What operators set while instances run', () => {
  // The least-privilege user of the application, and nobody else but the administrator.
  const fleet = useFleet(
    { acl: [applicationRule({ purpose: 'rateLimit', user: 'rl-app' })] },
    { RATE_LIMIT_REDIS_USERNAME: 'rl-app', RATE_LIMIT_REDIS_PASSWORD: CANARY },
  );
  const { open } = fleet;
  const losses = () => logged.filter((line) => line.startsWith('warn Redis has lost blocks or overrides'));
  const pair = () => Promise.all([open(), open()]);
  const seen = (what: string, by: () => unknown) => waitFor(() => Boolean(by()), { what, ...PATIENCE });
  const api = async ({ limiter }: Instance, tenant: string, cost = 1) =>
    limiter.check('api', { tenant }, { cost });
  const spend = async (instance: Instance, tenant: string) =>
    Promise.all(Array.from({ length: 10 }, () => api(instance, tenant)));

  it('a block holds at once where it was set, and elsewhere without a single decision there', async () => {
    const [one, two] = await pair();
    const block = await one.control.block('tenant', 'acme-corporation', MINUTE_MS);
    expect(block).toMatchObject({ dimension: 'tenant', label: 'ac***' });
    const denied = await api(one, 'acme-corporation');
    expect(denied).toMatchObject({ allowed: false, state: 'block', backend: 'cache', degraded: false });
    expect(denied.retryAfterMs).toBeGreaterThan(0);
    expect(denied.retryAfterMs).toBeLessThanOrEqual(MINUTE_MS);
    await seen('the block by an idle instance', () => two.control.blocked().length === 1);
    expect(await api(two, 'acme-corporation')).toMatchObject({ allowed: false, state: 'block' });
    expect((await api(two, 'somebody-else')).allowed).toBe(true);
    expect(await two.control.unblock('tenant', { id: block.id })).toBe(true);
    await seen('its end', () => one.control.blocked().length === 0);
    expect((await api(one, 'acme-corporation')).allowed).toBe(true);
  });

  it('an instance that is asked all the while follows a block within its patience', async () => {
    const [one, two] = await pair();
    await one.control.block('tenant', 'acme', MINUTE_MS);
    await waitFor(async () => (await api(two, 'acme')).state === 'block', { what: 'the block', ...PATIENCE });
    expect(await api(two, 'acme')).toMatchObject({ allowed: false, backend: 'cache' });
  });

  it('a block ends by itself on every instance', async () => {
    const [one, two] = await pair();
    await one.control.block('tenant', 'acme', 700);
    await seen('the block', () => two.control.blocked().length === 1);
    await seen('its end', () => one.control.blocked().length + two.control.blocked().length === 0);
    expect((await api(two, 'acme')).allowed).toBe(true);
    expect(two.store.facts()).toMatchObject({ blocked: 0 });
  });

  it('an override holds for its subject or pattern, the most specific first, until it is removed', async () => {
    const [one, two] = await pair();
    const { control } = one;
    const numbers = (burst: number) => ({ quota: 1000, windowMs: 3_600_000, burst });
    await control.override('api', 'api', { pattern: 'gold-*' }, numbers(100));
    await control.override('api', 'api', { subject: 'gold-1' }, numbers(20));
    await control.override('api', 'api', { subject: 'free-for-all' }, { exempt: true });
    await seen('the overrides', () => two.control.overrides().length === 3);
    expect((await api(two, 'gold-7')).limits[0]).toMatchObject({
      remaining: 99,
      limit: { quota: 1000, burst: 100 },
    });
    expect((await api(two, 'gold-1')).limits[0]).toMatchObject({ remaining: 19 });
    expect((await api(two, 'tin-1')).limits[0]).toMatchObject({ remaining: 9 });
    expect(await api(two, 'free-for-all', 1_000_000)).toMatchObject({ allowed: true, limits: [] });

    expect(await control.removeOverride('api', 'api', { subject: 'gold-1' })).toBe(true);
    await seen('the removal', () => two.control.overrides().length === 2);
    // Its one unit is spent, of a hundred now.
    expect((await api(two, 'gold-1')).limits[0]).toMatchObject({ remaining: 98 });
  });

  it('a limit may only watch one subject, and a policy everybody, and both are seen in the metrics', async () => {
    const [one, two] = await pair();
    const wouldDeny = () => two.metric('rate_limit_shadow_denials_total{policy="api"}');
    await one.control.override('api', 'api', { subject: 'acme' }, { mode: 'shadow' });
    await seen('the override', () => two.control.overrides().length === 1);
    await spend(two, 'acme');
    expect(await api(two, 'acme', 5)).toMatchObject({ allowed: true });
    await waitFor(async () => (await wouldDeny()) === 1, { what: 'the denial that was none' });
    await spend(two, 'other');
    expect((await api(two, 'other')).allowed).toBe(false);

    await one.control.setMode('api', 'shadow');
    await seen('the mode', () => two.store.facts().shadowed.includes('api'));
    expect((await api(two, 'other')).allowed).toBe(true);
    await waitFor(async () => (await wouldDeny()) >= 2, { what: 'the denial that was none' });
    await one.control.setMode('api', undefined);
    await seen('the end of the mode', () => two.store.facts().shadowed.length === 0);
    expect((await api(two, 'other')).allowed).toBe(false);
  });

  it('a block holds for whom a limit does not', async () => {
    const one = await open();
    await one.control.override('api', 'api', { pattern: '*' }, { exempt: true });
    await one.control.setMode('api', 'shadow');
    await one.control.block('tenant', 'acme', MINUTE_MS);
    const denied = await api(one, 'acme');
    expect(denied).toMatchObject({ allowed: false, state: 'block' });
    expect(denied.limits.map(({ limit }) => limit.name)).toEqual(['api']);
  });

  it('a reset ends the denials that other instances know of', async () => {
    const [one, two] = await pair();
    await spend(two, 'acme');
    expect(await api(two, 'acme')).toMatchObject({ allowed: false });
    expect(await api(two, 'acme')).toMatchObject({ allowed: false, backend: 'cache' });
    await one.limiter.reset('api', { tenant: 'acme' });
    await waitFor(async () => (await two.limiter.peek('api', { tenant: 'acme' })).allowed, {
      what: 'the reset',
      ...PATIENCE,
    });
    expect(await api(two, 'acme', 10)).toMatchObject({ allowed: true, backend: 'redis' });
  });

  it('a reset by an operator leaves the limits of other dimensions as they are', async () => {
    const one = await open();
    await one.limiter.check('shared', { tenant: 'acme' }, { cost: 15 });
    const said = await one.control.reset(['shared'], { tenant: 'acme' });
    expect(said).toMatchObject({ backend: 'redis', degraded: false });
    const { limits } = await one.limiter.peek('shared', { tenant: 'acme' });
    expect(limits.map(({ remaining }) => remaining)).toEqual([1000, 5]);
  });

  it('set by two instances at once is the same on both, and what Redis has', async () => {
    const [one, two] = await pair();
    const names = Array.from({ length: 40 }, (_, at) => `tenant-${at}`);
    await Promise.all(
      names.flatMap((name, at) => [
        (at % 2 ? one : two).control.block('tenant', name, MINUTE_MS),
        (at % 3 ? one : two).control.override('api', 'api', { pattern: `${name}-*` }, { exempt: true }),
      ]),
    );
    await Promise.all(
      names.map((name, at) => (at % 2 ? two : one).control.unblock('tenant', name).catch(() => false)),
    );
    // Whom an instance did not know to be blocked it unblocks all the same: by the digest of the name.
    for (const each of [one, two])
      await seen(
        'the same everywhere',
        () => each.control.blocked().length === 0 && each.control.overrides().length === 40,
      );
    expect(await fleet.server.admin().zcard('rl:{g}:blocked')).toBe(0);
    expect(await fleet.server.admin().hlen('rl:{g}:overrides')).toBe(40);
    expect(new Set([one.store.facts().version, two.store.facts().version]).size).toBe(1);
  });

  it('goes on holding while Redis is away, when nothing can be changed', async () => {
    const [one, two] = await pair();
    await one.control.block('tenant', 'acme', MINUTE_MS);
    await one.control.override('api', 'api', { subject: 'gold' }, { exempt: true });
    await seen('both', () => two.control.blocked().length + two.control.overrides().length === 2);
    await fleet.proxy.refuse();
    for (const each of [one, two]) {
      await seen('the outage', () => !each.store.isHealthy());
      expect(each.store.facts()).toMatchObject({
        backend: 'memory',
        configured: 'redis',
        healthy: false,
        blocked: 1,
      });
      expect(each.store.facts().breaker).toMatchObject({
        state: 'open',
        reason: expect.any(String) as string,
      });
      expect(await api(each, 'acme')).toMatchObject({ allowed: false, state: 'block' });
      expect(await api(each, 'gold', 1000)).toMatchObject({ allowed: true });
      expect(await api(each, 'tin')).toMatchObject({ allowed: true, backend: 'memory', degraded: true });
      await expect(each.control.unblock('tenant', 'acme')).rejects.toBeInstanceOf(RedisUnavailableError);
    }
    await fleet.proxy.pass();
    for (const each of [one, two]) await seen('the end of the outage', () => each.store.isHealthy());
    expect(await one.control.unblock('tenant', 'acme')).toBe(true);
    await seen('the end of the block', () => two.control.blocked().length === 0);
  });

  it('is lost with the data of the server, and the log of each instance says so once', async () => {
    const [one, two] = await pair();
    await one.control.block('tenant', 'acme', MINUTE_MS);
    await one.control.setMode('api', 'shadow');
    await seen('both', () => two.store.facts().shadowed.length === 1);
    await fleet.server.admin().flushall();
    for (const each of [one, two])
      await seen('the loss', () => each.control.blocked().length + each.control.overrides().length === 0);
    expect((await api(one, 'acme')).allowed).toBe(true);
    expect(one.store.facts().shadowed).toEqual([]);
    await two.control.block('tenant', 'acme', MINUTE_MS);
    await seen('a new block', () => one.control.blocked().length === 1);
    expect(losses()).toEqual(Array(2).fill(expect.stringContaining('[{"lost":2}')));
  });

  it('is lost as well when the server is killed and comes back empty', async () => {
    const one = await open();
    await one.control.block('tenant', 'acme', MINUTE_MS);
    await fleet.server.kill9();
    await seen('the outage', () => !one.store.isHealthy());
    expect((await api(one, 'acme')).state).toBe('block');
    await fleet.server.start();
    await seen('the return', () => one.store.isHealthy());
    await seen('the loss', () => one.control.blocked().length === 0);
    expect(losses()).toEqual([expect.stringContaining('[{"lost":1}')]);
  });

  it('tells Redis nothing about who is meant', async () => {
    const one = await open();
    await one.control.block('user', 'ada.lovelace@example.com', MINUTE_MS);
    await one.control.override('chat', 'chat', { subject: 'grace.hopper@example.com' }, { exempt: true });
    const stored = JSON.stringify([
      await fleet.server.admin().zrange('rl:{g}:blocked', '0', '-1'),
      await fleet.server.admin().hgetall('rl:{g}:overrides'),
    ]);
    expect(stored).toContain('a***@example.com');
    expect(stored).toContain('g***@example.com');
    expect(stored).not.toMatch(/lovelace|hopper/);
    expect(JSON.stringify([one.control.blocked(), one.control.overrides()])).not.toMatch(/lovelace|hopper/);
  });

  it('leaves no key without an end', async () => {
    const [one, two] = await pair();
    await one.control.block('tenant', 'acme', MINUTE_MS);
    await two.control.setMode('api', 'shadow');
    await one.control.reset(['chat'], { user: 'ada' });
    await one.limiter.check(['api', 'chat'], { tenant: 'acme-2', user: 'ada' });
    const keys = await fleet.server.admin().keys('rl:*');
    expect(keys.filter((key) => key.startsWith('rl:{g}:')).length).toBeGreaterThanOrEqual(5);
    for (const key of keys) expect([key, (await fleet.server.admin().pttl(key)) > 0]).toEqual([key, true]);
  });
});
