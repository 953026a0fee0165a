import { describe, expect, it } from 'vitest';
import { openEngine } from '../engine.rig.js';
import { PolicyBook } from '../policies/plan.js';
import type { PolicyTable } from '../policies/policy.js';
import { InvalidRulingError } from './control.errors.js';
import { ProcessRulingStore } from './process-ruling-store.js';
import { RateLimitControl } from './rate-limit-control.js';
import { RulingSync } from './ruling-sync.js';
import { Rulings } from './rulings.js';

const TABLE = {
  api: { limits: [{ per: 'tenant', quota: 100, windowMs: 60_000, burst: 10 }] },
} as const satisfies PolicyTable;
const id = 'wrVHtGivwNPwRKA3';
const NUMBERS = '{"quota":5,"windowMs":1000,"burst":5}';

/** What an earlier release has left behind: policies and limits that were renamed since. */
const LEFT = [
  ['former', '{"mode":"shadow"}'],
  ['former/former/~gold-*', NUMBERS],
  [`api/api-tenant/=${id}`, NUMBERS],
] as const;

async function setUp(table: PolicyTable = TABLE) {
  const { engine, clock } = openEngine(table, { inMemory: true });
  const rulings = new Rulings(new PolicyBook(table), clock);
  const store = new ProcessRulingStore(clock);
  for (const [field, value] of LEFT) await store.change({ kind: 'override', field, value });
  const ignore = () => undefined;
  const sync = new RulingSync({
    store,
    rulings,
    clock,
    reachable: () => true,
    installed: ignore,
    failed: ignore,
  });
  await sync.onApplicationBootstrap();
  return new RateLimitControl({ engine, rulings, sync, clock });
}

describe('what an earlier release has left behind', () => {
  it('is listed as not in force, and can be lifted', async () => {
    const control = await setUp();
    expect(control.overrides().map(({ inForce }) => inForce)).toEqual([false, false, false]);
    expect(await control.setMode('former', undefined)).toBe(true);
    expect(await control.removeOverride('former', 'former', { pattern: 'gold-*' })).toBe(true);
    expect(await control.removeOverride('api', 'api-tenant', { id })).toBe(true);
    expect(control.overrides()).toEqual([]);
    expect(await control.setMode('former', undefined)).toBe(false);
  });

  it('cannot be lifted by a subject, since nobody knows whom the limit counted', async () => {
    const control = await setUp();
    await expect(control.removeOverride('api', 'api-tenant', { subject: 'acme' })).rejects.toThrow(
      /name the id/,
    );
    expect(control.overrides()).toHaveLength(3);
  });

  it.each([
    ['former/former/~gold-*', undefined],
    ['', undefined],
    ['Former', undefined],
    ['former', 'former/~gold-*'],
    ['former/former', 'former'],
    ['f'.repeat(33), 'former'],
  ])('is not lifted by what is no name: %j %j', async (policy, limit) => {
    const control = await setUp();
    const lifted =
      limit === undefined
        ? control.setMode(policy, undefined)
        : control.removeOverride(policy, limit, { pattern: 'gold-*' });
    await expect(lifted).rejects.toBeInstanceOf(InvalidRulingError);
    expect(control.overrides()).toHaveLength(3);
  });

  it('is not set anew', async () => {
    const control = await setUp();
    await expect(control.setMode('former', 'shadow')).rejects.toThrow(/no policy "former"/);
    await expect(control.override('api', 'api-tenant', { id }, { exempt: true })).rejects.toThrow(
      /no limit "api-tenant"/,
    );
  });
});

describe('making limits full again', () => {
  const manyOf = (prefix: string, count: number): PolicyTable =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [
        `${prefix}-${at}`,
        {
          limits: Array.from({ length: 8 }, (_row, row) => ({
            per: 'tenant' as const,
            quota: 10 + row,
            windowMs: 60_000,
            burst: 1,
            name: `${prefix}-${at}-${row}`,
          })),
        },
      ]),
    );

  it('names what is wrong when more limits are asked for than one check may have', async () => {
    const table = manyOf('p', 16);
    const control = await setUp(table);
    await expect(control.reset(Object.keys(table), { tenant: 'acme' })).rejects.toThrow(InvalidRulingError);
    await expect(control.reset(Object.keys(table).slice(1), { tenant: 'acme' })).resolves.toMatchObject({
      allowed: true,
    });
  });
});
