import { describe, expect, it } from 'vitest';
import { PolicyBook } from '../policies/plan.js';
import type { PolicyTable } from '../policies/policy.js';
import { InvalidRulingError } from './control.errors.js';
import {
  type Override,
  type OverrideRule,
  compileOverride,
  fieldOf,
  readOverride,
  valueOf,
} from './override.js';

const MINUTE_MS = 60_000;
const TABLE = {
  api: {
    limits: [
      { per: 'tenant', quota: 100, windowMs: MINUTE_MS, burst: 10 },
      { per: 'user', kind: 'window', quota: 10, windowMs: MINUTE_MS },
    ],
  },
  login: { limits: [{ per: 'account', quota: 5, windowMs: MINUTE_MS, burst: 5 }], credential: true },
} as const satisfies PolicyTable;
const book = new PolicyBook(TABLE);
const id = 'wrVHtGivwNPwRKA3';

const compile = (policy: keyof typeof TABLE, limit: string, rule: OverrideRule) =>
  compileOverride(book.policy(policy), { policy, limit, id, rule });

describe('an override as it is stored', () => {
  const overrides: readonly Override[] = [
    {
      policy: 'api',
      limit: 'api-tenant',
      id,
      label: 'go***',
      rule: { quota: 200, windowMs: 1000, burst: 20 },
    },
    { policy: 'api', limit: 'api-user', pattern: 'gold-*/=~ "ü"', rule: { quota: 20, windowMs: 1000 } },
    { policy: 'api', limit: 'api-user', pattern: '*', rule: { mode: 'shadow' } },
    { policy: 'login', limit: 'login', id, rule: { exempt: true } },
    { policy: 'api', policyMode: 'shadow' },
    { policy: 'api', policyMode: 'enforce' },
  ];

  it.each(overrides)('is read as it was written: $policy $limit', (override) => {
    expect(readOverride(fieldOf(override), valueOf(override))).toEqual(override);
  });

  it('has one field per limit and target, so that the later one replaces the earlier', () => {
    const [one] = overrides;
    expect(fieldOf({ ...(one as Override), rule: { exempt: true } } as Override)).toBe(
      fieldOf(one as Override),
    );
    expect(new Set(overrides.slice(0, 5).map(fieldOf)).size).toBe(5);
  });

  it.each([
    ['', '{}'],
    ['api', 'shadow'],
    ['api', '{"mode":"off"}'],
    ['api', '["shadow"]'],
    ['api', 'null'],
    ['API', '{"mode":"shadow"}'],
    ['api/api-user', '{"exempt":true}'],
    ['api/api-user/', '{"exempt":true}'],
    ['api/api-user/~', '{"exempt":true}'],
    ['api/api-user/=short', '{"exempt":true}'],
    [`api/api-user/~${'p'.repeat(129)}`, '{"exempt":true}'],
    ['api/api-user/~two\nlines', '{"exempt":true}'],
    ['api/api-user/~*', '{"exempt":"true"}'],
    ['api/api-user/~*', '{"mode":"enforce"}'],
    ['api/api-user/~*', '{"quota":5}'],
    ['api/api-user/~*', '{"quota":"5","windowMs":1000}'],
    ['api/api-user/~*', '{"quota":5,"windowMs":1000,"burst":"1"}'],
    ['api/api-user/~*', '{"quota":5,"windowMs":1000'],
    ['__proto__', '{"mode":"shadow"}'],
  ])('is none of ours: %j %j', (field, value) => {
    expect(readOverride(field, value)).toBeUndefined();
  });
});

describe('compileOverride', () => {
  it('gives another limit of the same name and the same state', () => {
    const base = book.policy('api').limits[0]?.limit;
    const limit = compile('api', 'api-tenant', { quota: 1000, windowMs: MINUTE_MS, burst: 50 });
    expect(limit).toMatchObject({
      quota: 1000,
      burst: 50,
      name: 'api-tenant',
      tag: base?.tag,
      spared: undefined,
    });
  });

  it('marks who is free of a limit, and whom it only watches', () => {
    expect(compile('api', 'api-user', { exempt: true }).spared).toBe('exempt');
    expect(compile('api', 'api-user', { mode: 'shadow' }).spared).toBe('shadow');
  });

  it.each([
    [
      'api',
      'api-tenant',
      { quota: 0, windowMs: MINUTE_MS, burst: 1 },
      /quota 0 must be a whole number above 0/,
    ],
    ['api', 'api-tenant', { quota: 5, windowMs: -1, burst: 5 }, /windowMs -1 must be at least 1 ms/],
    ['api', 'api-tenant', { quota: 5, windowMs: 0.5, burst: 5 }, /at least 1 ms/],
    ['api', 'api-tenant', { quota: 5, windowMs: Infinity, burst: 5 }, /at most 35 days/],
    ['api', 'api-tenant', { quota: 5, windowMs: 1000, burst: 6 }, /burst 6 must not exceed the quota 5/],
    ['api', 'api-tenant', { quota: NaN, windowMs: 1000, burst: 6 }, /quota NaN/],
    ['api', 'api-tenant', { quota: 5, windowMs: 1000 }, /needs a burst/],
    ['api', 'api-user', { quota: 5, windowMs: 1000, burst: 5 }, /has no burst/],
    ['api', 'nonsense', { exempt: true }, /has no limit "nonsense"/],
    ['login', 'login', { exempt: true }, /guards a credential/],
  ] as const)('refuses for %s/%s %j', (policy, limit, rule, why) => {
    expect(() => compile(policy, limit, rule)).toThrow(InvalidRulingError);
    expect(() => compile(policy, limit, rule)).toThrow(why);
  });
});
