import { expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { type Instance, useFleet } from './control/fleet.js';

/** A second is promised; a machine that does other work as well may take its time. */
const PATIENCE = { timeoutMs: 5_000 };

describeReal('What features correct while Redis is away', () => {
  const fleet = useFleet({}, { RATE_LIMIT_INSTANCES: '1' });
  const left = async ({ limiter }: Instance, tenant: string) =>
    (await limiter.peek('api', { tenant })).limits[0]?.remaining;
  const spend = ({ limiter }: Instance, tenant: string, cost: number) =>
    limiter.check('api', { tenant }, { cost });

  it('is known to Redis when it is back, and so to another instance', async () => {
    const [one, two] = [await fleet.open(), await fleet.open()];
    for (const tenant of ['refunded', 'settled', 'reset']) await spend(one, tenant, 8);
    await fleet.proxy.refuse();
    await waitFor(() => one.store.facts().backend === 'memory', { what: 'the outage', ...PATIENCE });
    await one.limiter.refund('api', { tenant: 'refunded' }, { cost: 3 });
    await one.limiter.settle('api', { tenant: 'settled' }, { estimated: 8, actual: 1 });
    await one.limiter.reset('api', { tenant: 'reset' });
    await spend(one, 'reset', 2);
    expect(await left(one, 'refunded')).toBe(5);
    await fleet.proxy.pass();
    await waitFor(() => two.store.facts().backend === 'redis', { what: 'the return', ...PATIENCE });
    const seen = () => Promise.all(['refunded', 'settled', 'reset'].map((tenant) => left(two, tenant)));
    await waitFor(async () => (await seen()).join() === '5,9,8', { what: 'the corrections', ...PATIENCE });
    expect(await Promise.all(['refunded', 'settled', 'reset'].map((tenant) => left(one, tenant)))).toEqual([
      5, 9, 8,
    ]);
  });
});
