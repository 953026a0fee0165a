import { describe, expect, it } from 'vitest';
import { EXIT } from '../../kernel/errors.js';
import type { LimitRow, Policy, PolicyTable } from './policy.js';
import { PolicyError, assertPolicies, limitName } from './policy-rules.js';

const LIMIT: LimitRow = { per: 'ip', quota: 100, windowMs: 60_000, burst: 10 };
const limited = (row: object): Policy => ({ limits: [{ ...LIMIT, ...row } as LimitRow] });
const windowed = (row: object): Policy => limited({ kind: 'window', burst: undefined, ...row });

function faultsOf(table: PolicyTable): readonly string[] {
  try {
    assertPolicies(table);
    return [];
  } catch (error) {
    if (error instanceof PolicyError) return error.faults;
    throw error;
  }
}

const NUMBERS: readonly (readonly [what: string, policy: Policy, faults: readonly RegExp[]])[] = [
  [
    'a quota of 0',
    limited({ quota: 0 }),
    [/quota 0 must be a whole/, /burst 10 must not exceed the quota 0/],
  ],
  ['a quota below 0', limited({ quota: -5, burst: -5 }), [/quota -5 must be/, /burst -5 must be a whole/]],
  ['half a unit', limited({ quota: 10.5 }), [/quota 10.5 must be a whole number above 0/]],
  ['a quota that is not a number', limited({ quota: NaN }), [/quota NaN must be/]],
  ['an infinite quota', limited({ quota: Infinity }), [/quota Infinity must be/, /one unit per microsecond/]],
  [
    'a quota beyond whole numbers',
    limited({ quota: 2 ** 53 }),
    [/quota 9007\d+ must be/, /one unit per micro/],
  ],
  ['a quota as text', limited({ quota: '100' }), [/quota 100 must be a whole number/]],
  ['a quota that is left out', limited({ quota: undefined }), [/quota undefined must be a whole number/]],
  ['a burst of 0', limited({ burst: 0 }), [/burst 0 must be a whole number above 0/]],
  ['a burst that is not a number', limited({ burst: NaN }), [/burst NaN must be a whole number above 0/]],
  ['a burst that is left out', limited({ burst: undefined }), [/burst undefined must be a whole number/]],
  ['a burst above the quota', limited({ burst: 101 }), [/burst 101 must not exceed the quota 100/]],
  [
    'a window of 0',
    limited({ windowMs: 0 }),
    [/windowMs 0 must be at least 1 ms/, /one unit per microsecond/],
  ],
  [
    'a window below 0',
    limited({ windowMs: -1 }),
    [/windowMs -1 must be at least 1 ms/, /one unit per micro/],
  ],
  ['half a millisecond', limited({ windowMs: 0.5 }), [/windowMs 0.5 must be at least 1 ms/]],
  ['a window that is not a number', limited({ windowMs: NaN }), [/windowMs NaN must be at least 1 ms/]],
  ['an infinite window', limited({ windowMs: Infinity }), [/windowMs Infinity must be/, /at most 35 days/]],
  [
    'a window that is left out',
    limited({ windowMs: undefined }),
    [/windowMs undefined must be at least 1 ms/],
  ],
  ['36 days', limited({ windowMs: 36 * 86_400_000 }), [/windowMs 3110400000 must be at most 35 days/]],
  [
    'more than the clock can tell',
    limited({ quota: 1001, windowMs: 1 }),
    [/quota 1001 must be at most one unit/],
  ],
  ['a quota of 0 in a window', windowed({ quota: 0 }), [/quota 0 must be a whole number above 0/]],
  [
    'a window below 0 of the other kind',
    windowed({ windowMs: -1 }),
    [/windowMs -1 must be/, /one unit per micro/],
  ],
];

const SHAPES: readonly (readonly [what: string, table: PolicyTable, fault: RegExp])[] = [
  ['no limit', { p: { limits: [] } }, /^Policy "p": it needs one limit to 8$/],
  ['nine limits', { p: { limits: Array<LimitRow>(9).fill(LIMIT) } }, /^Policy "p": it needs one limit to 8$/],
  ['a name with capitals', { logIn: limited({}) }, /^Policy "logIn": a name is up to 32 lower-case/],
  ['a name with a quote', { 'a"b': limited({}) }, /a name is up to 32 lower-case/],
  ['no name', { '': limited({}) }, /a name is up to 32 lower-case/],
  ['a name of 33 letters', { ['a'.repeat(33)]: limited({}) }, /a name is up to 32 lower-case/],
  [
    'a name of a limit that no header may have',
    { p: limited({ name: 'a;b' }) },
    /"a;b" is no name for a limit/,
  ],
  [
    'a name that gets too long',
    { ['a'.repeat(30)]: { limits: [LIMIT, { ...LIMIT, per: 'user' }] } },
    /is no name for/,
  ],
  [
    'one name twice',
    { p: { limits: [LIMIT, { ...LIMIT, quota: 200 }] } },
    /two limits have one name; give them/,
  ],
  [
    'a given name twice',
    {
      p: {
        limits: [
          { ...LIMIT, name: 'x' },
          { ...LIMIT, name: 'x', per: 'user' },
        ],
      },
    },
    /one name/,
  ],
  [
    'a name of a limit that another policy has given to one of its own',
    { p: { limits: [LIMIT, { ...LIMIT, per: 'user' }] }, 'p-ip': limited({}) },
    /^Policies "p" and "p-ip" have a limit "p-ip" each; give one of them another `name`$/,
  ],
  [
    'a credential that anybody may guess in an outage',
    { p: { ...limited({ outage: 'allow' }), credential: true } },
    /guards a credential, so no limit of it may have outage "allow"/,
  ],
];

describe('The rules of policies', () => {
  it.each(NUMBERS)('refuse %s', (_what, policy, expected) => {
    const faults = faultsOf({ signup: policy });
    expect(faults).toHaveLength(expected.length);
    expected.forEach((pattern, at) => expect(faults[at]).toMatch(pattern));
    for (const fault of faults) expect(fault).toMatch(/^Policy "signup": limit "signup": /);
  });

  it.each(SHAPES)('refuse %s', (_what, table, pattern) =>
    expect(faultsOf(table)).toContainEqual(expect.stringMatching(pattern)),
  );

  it.each<[string, Policy]>([
    ['the smallest', { limits: [{ per: 'ip', quota: 1, windowMs: 1, burst: 1 }] }],
    ['the fastest', { limits: [{ per: 'ip', quota: 1000, windowMs: 1, burst: 1000 }] }],
    ['the longest', { limits: [{ per: 'ip', quota: 1, windowMs: 35 * 86_400_000, burst: 1 }] }],
    ['a quota that does not divide its window', limited({ quota: 7 * 13, burst: 7 })],
    [
      'a window of either kind',
      { limits: [LIMIT, { kind: 'window', per: 'user', quota: 5, windowMs: 1.5 }] },
    ],
    ['a credential that counts here, or denies', { ...limited({ outage: 'deny' }), credential: true }],
    ['anybody in an outage, where no credential is guarded', limited({ outage: 'allow' })],
  ])('accept %s', (_what, policy) => expect(faultsOf({ p: policy })).toEqual([]));

  it('report all faults of all policies at once, as settings do, and end the start', () => {
    const error = new PolicyError(
      faultsOf({ a: limited({ quota: 0, burst: 0 }), 'B!': limited({}), c: limited({ burst: 0 }) }),
    );
    expect(error.exitCode).toBe(EXIT.config);
    expect(error.report().split('\n')).toEqual([
      'Refusing to start: rate-limit policies',
      expect.stringMatching(/^ {2}Policy "a": limit "a": quota 0/),
      expect.stringMatching(/^ {2}Policy "a": limit "a": burst 0/),
      expect.stringMatching(/^ {2}Policy "B!"/),
      expect.stringMatching(/^ {2}Policy "c"/),
    ]);
  });

  it.each([
    ['its own', { limits: [{ ...LIMIT, name: 'per-minute' }] }, 'per-minute'],
    ['that of the policy, where it is the only one', { limits: [LIMIT] }, 'p'],
    [
      'with the dimension, where it is not',
      { limits: [LIMIT, { ...LIMIT, per: 'apiKey' as const }] },
      'p-ip',
    ],
  ])('name a limit: %s', (_what, policy, expected) =>
    expect(limitName('p', policy, policy.limits[0] as LimitRow)).toBe(expected),
  );
});
