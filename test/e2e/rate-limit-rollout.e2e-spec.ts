import { expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { type Instance, logged, useFleet } from './control/fleet.js';

const PATIENCE = { timeoutMs: 20_000 };

describeReal('Rolling out: canary, number of instances, and what the log says', () => {
  const fleet = useFleet();
  const { open } = fleet;
  const tenants = Array.from({ length: 300 }, (_, at) => `tenant-${at}`);
  const backends = ({ limiter }: Instance) =>
    Promise.all(tenants.map(async (tenant) => (await limiter.check('api', { tenant })).backend));
  const api = ({ limiter }: Instance, tenant: string) => limiter.check('api', { tenant });

  it('a canary leaves the same clients to Redis on every instance, and calls the others chosen', async () => {
    const env = { RATE_LIMIT_CANARY_PERCENT: '30' };
    const [one, two] = [await open(env), await open(env)];
    const [here, there] = [await backends(one), await backends(two)];
    expect(here).toEqual(there);
    const inRedis = here.filter((backend) => backend === 'redis').length;
    // Five standard deviations around 90.
    expect(inRedis).toBeGreaterThan(50);
    expect(inRedis).toBeLessThan(130);
    expect(here.filter((backend) => backend === 'memory')).toHaveLength(300 - inRedis);
    const own = tenants[here.indexOf('memory')] as string;
    expect(await api(one, own)).toMatchObject({ backend: 'memory', degraded: false });
    expect(one.store.facts()).toMatchObject({ backend: 'redis', healthy: true, canary_percent: 30 });
  });

  it.each([
    ['0', 'memory'],
    ['100', 'redis'],
  ])('a canary of %s %% leaves everybody to %s', async (percent, backend) => {
    const one = await open({ RATE_LIMIT_CANARY_PERCENT: percent });
    expect(new Set(await backends(one))).toEqual(new Set([backend]));
  });

  it('what this process counts for some clients is not mixed with what Redis counts for the others', async () => {
    const one = await open({ RATE_LIMIT_CANARY_PERCENT: '50' });
    const backendOf = async (tenant: string) => (await one.limiter.peek('api', { tenant })).backend;
    const found: Record<string, string> = {};
    for (const tenant of tenants) found[await backendOf(tenant)] ??= tenant;
    const [shared, own] = [found['redis'] as string, found['memory'] as string];
    const everybody = async (tenant: string) =>
      (await one.limiter.check('shared', { tenant })).limits.find(({ limit }) => limit.per === 'global')
        ?.remaining;
    // Each part has the limit of everybody for itself: 20 units, however they take turns.
    for (let left = 19; left >= 10; left -= 1) {
      expect(await everybody(shared)).toBe(left);
      expect(await everybody(own)).toBe(left);
    }
    const spendRest = async (tenant: string) =>
      (await Promise.all(Array.from({ length: 20 }, () => one.limiter.check('shared', { tenant })))).filter(
        ({ allowed }) => allowed,
      ).length;
    expect(await spendRest(own)).toBe(10);
    expect(await spendRest(shared)).toBe(10);
  });

  it('a client that a canary leaves to the instances has a share of its limit on each', async () => {
    const env = { RATE_LIMIT_CANARY_PERCENT: '0', RATE_LIMIT_INSTANCES: '5' };
    const fleet = [await open(env), await open(env)];
    for (const instance of fleet) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => api(instance, 'acme')));
      expect(answers.filter(({ allowed }) => allowed)).toHaveLength(2);
    }
  });

  it('instances count each other, and go on with that number while Redis is away', async () => {
    const [one, two, three] = [await open(), await open(), await open()];
    const counts = () => [one, two, three].map(({ store }) => store.facts().instances);
    await waitFor(() => counts().every(({ count }) => count === 3), { what: 'three instances', ...PATIENCE });
    expect(counts()).toEqual(Array(3).fill({ count: 3, source: 'heartbeat' }));
    await fleet.proxy.refuse();
    await waitFor(() => ![one, two, three].some(({ store }) => store.isHealthy()), { what: 'the outage' });
    const answers = await Promise.all(
      [one, two, three].flatMap((each) => Array.from({ length: 20 }, () => api(each, 'acme'))),
    );
    const admitted = answers.filter(({ allowed }) => allowed).length;
    expect(admitted).toBeGreaterThan(0);
    // Of a limit of ten, a tenth more at most.
    expect(admitted).toBeLessThanOrEqual(11);
    expect(counts()).toEqual(Array(3).fill({ count: 3, source: 'heartbeat' }));
  });

  it('a setting has the last word about the number of instances', async () => {
    const one = await open({ RATE_LIMIT_INSTANCES: '7' });
    expect(one.store.facts().instances).toEqual({ count: 7, source: 'setting' });
  });

  it('an outage is one warning with reason, instances and share, and one line when it is over', async () => {
    const one = await open({ REDIS_WARN_INTERVAL_MS: '1h', RATE_LIMIT_INSTANCES: '4' });
    const about = (text: string) => logged.filter((line) => line.includes(text));
    expect(about('Redis rate limiting backend connected')).toHaveLength(1);
    await fleet.proxy.refuse();
    await waitFor(() => !one.store.isHealthy(), { what: 'the outage' });
    for (let at = 0; at < 25; at += 1) await api(one, `tenant-${at}`);
    await fleet.proxy.pass();
    await waitFor(() => one.store.isHealthy(), { what: 'its end', ...PATIENCE });
    expect(about('Redis does not count rate limits now')).toEqual([
      expect.stringMatching(/^warn .*one of 4 .*"instances":4,"share":0.25/),
    ]);
    expect(about('Redis rate limiting backend connected')).toHaveLength(2);
    expect(about('"local_decisions":25')).toHaveLength(1);
    expect((await api(one, 'acme')).backend).toBe('redis');
  });

  it('rolled back to memory, rulings hold in the process, which says so', async () => {
    const one = await open({ RATE_LIMIT_BACKEND: 'memory' });
    await one.control.block('tenant', 'acme', 60_000);
    await one.control.override('api', 'api', { pattern: 'gold-*' }, { exempt: true });
    expect(await api(one, 'acme')).toMatchObject({ allowed: false, state: 'block', backend: 'memory' });
    expect(await api(one, 'gold-1')).toMatchObject({ allowed: true, limits: [] });
    expect(one.store.facts()).toMatchObject({
      backend: 'memory',
      configured: 'memory',
      healthy: true,
      breaker: { state: 'closed' },
      instances: { count: 1, source: 'assumed' },
      blocked: 1,
      overrides: 1,
    });
    expect(logged.filter((line) => line.includes('hold in this process only'))).toHaveLength(1);
    expect(await one.control.unblock('tenant', 'acme')).toBe(true);
    expect((await api(one, 'acme')).allowed).toBe(true);
  });
});
