import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Subject } from '../counting/subject.js';
import { PolicyBook } from '../policies/plan.js';
import type { PolicyTable } from '../policies/policy.js';
import { memberOf } from './blocked-subject.js';
import { type Override, type OverrideRule, fieldOf, valueOf } from './override.js';
import type { StoredRulings } from './ruling-store.js';
import { Rulings } from './rulings.js';

const MINUTE_MS = 60_000;
const TABLE = {
  api: { limits: [{ per: 'tenant', quota: 100, windowMs: MINUTE_MS, burst: 10 }] },
  trial: { limits: [{ per: 'tenant', quota: 5, windowMs: MINUTE_MS, burst: 5 }], mode: 'shadow' },
} as const satisfies PolicyTable;

const digestOf = (name: string) => name.padEnd(16, '_');
const tenant = (name: string) => new Subject('tenant', name, digestOf(name));
const member = (name: string, dimension = 'tenant') =>
  memberOf({ dimension, id: digestOf(name), label: '***' });
const numbers = (quota: number): OverrideRule => ({ quota, windowMs: MINUTE_MS, burst: 1 });
const forPattern = (pattern: string, rule: OverrideRule): Override => ({
  policy: 'api',
  limit: 'api',
  pattern,
  rule,
});
const forTenant = (name: string, rule: OverrideRule): Override => ({
  policy: 'api',
  limit: 'api',
  id: digestOf(name),
  rule,
});

function stored(
  version: number,
  blocks: Record<string, number>,
  overrides: readonly Override[] = [],
): StoredRulings {
  const entries = overrides.map((override) => [fieldOf(override), valueOf(override)] as const);
  return { version, blocks: new Map(Object.entries(blocks)), overrides: new Map(entries) };
}

function setUp() {
  const clock = new ManualClock();
  const book = new PolicyBook(TABLE);
  const rulings = new Rulings(book, clock);
  const api = book.policy('api').limits[0]!.limit;
  const quotaOf = (name: string) => rulings.limitFor(api, tenant(name)).quota;
  return { clock, book, rulings, api, quotaOf };
}

describe('blocks', () => {
  it('hold for their subject until they end, by the monotonic clock', () => {
    const { clock, rulings } = setUp();
    clock.advance(500);
    rulings.install(stored(1, { [member('ada')]: 1000 }));
    expect(rulings.blockedUntilMs('tenant', digestOf('ada'))).toBe(1500);
    expect(rulings.blockedUntilMs('tenant', digestOf('bob'))).toBe(0);
    expect(rulings.blockedUntilMs('user', digestOf('ada'))).toBe(0);
    expect(rulings.blocked()).toHaveLength(1);
    clock.advance(1000);
    expect(rulings.blocked()).toEqual([]);
  });

  it('are told by a new edition to subjects that were met before', () => {
    const { rulings } = setUp();
    const ada = tenant('ada');
    ada.follow(rulings);
    rulings.install(stored(1, { [member('ada')]: 1000 }));
    ada.follow(rulings);
    expect(ada.blockedUntilMs).toBe(1000);
    rulings.install(stored(2, {}));
    ada.follow(rulings);
    expect(ada.blockedUntilMs).toBe(0);
  });
});

describe('overrides', () => {
  it('leave a limit alone where there are none', () => {
    const { rulings, api } = setUp();
    expect(rulings.limitFor(api, tenant('ada'))).toBe(api);
  });

  it('hold for whom they are most specific: the subject, else the longest pattern', () => {
    const { rulings, quotaOf } = setUp();
    rulings.install(
      stored(1, {}, [
        forPattern('*', numbers(1)),
        forPattern('gold-*', numbers(2)),
        forPattern('gold-eu-*', numbers(3)),
        forTenant('gold-eu-1', numbers(4)),
      ]),
    );
    expect(['tin', 'gold-1', 'gold-eu-2', 'gold-eu-1'].map(quotaOf)).toEqual([1, 2, 3, 4]);
  });

  it('are compiled once, as long as they say the same', () => {
    const { rulings, api } = setUp();
    rulings.install(stored(1, {}, [forPattern('*', numbers(1))]));
    const before = rulings.limitFor(api, tenant('ada'));
    rulings.install(stored(2, {}, [forPattern('*', numbers(1)), forPattern('a', numbers(2))]));
    expect(rulings.limitFor(api, tenant('ada'))).toBe(before);
  });

  it('change the mode of a policy and give it back', () => {
    const { book, rulings } = setUp();
    expect(book.shadowed()).toEqual(['trial']);
    rulings.install(
      stored(1, {}, [
        { policy: 'api', policyMode: 'shadow' },
        { policy: 'trial', policyMode: 'enforce' },
      ]),
    );
    expect(book.shadowed()).toEqual(['api']);
    rulings.install(stored(2, {}));
    expect(book.shadowed()).toEqual(['trial']);
  });

  it('that are broken, or for what this process does not have, are counted apart and change nothing', () => {
    const { rulings, quotaOf } = setUp();
    const { blocks } = stored(1, { 'not a member': 5, [member('ada')]: 5 });
    const overrides = new Map([
      ['api/api/~*', 'not json'],
      ['api/api/~gold-*', valueOf(forPattern('', { quota: 0, windowMs: 1, burst: 0 }))],
      ['other/other/~*', valueOf(forPattern('', numbers(1)))],
      ['other', '{"mode":"shadow"}'],
      ['api/other/~*', valueOf(forPattern('', numbers(1)))],
      ['api/api/~tin-*', valueOf(forPattern('', numbers(7)))],
    ]);
    expect(rulings.install({ version: 1, blocks, overrides })).toMatchObject({ broken: 2, unfit: 4 });
    expect(['gold-1', 'tin-1', 'ada'].map(quotaOf)).toEqual([100, 7, 100]);
    expect(rulings.all().filter((override) => rulings.isInForce(override))).toHaveLength(1);
  });
});

describe('a change of this process', () => {
  it('holds at once, and is up to date where nobody else has changed anything', () => {
    const { rulings, quotaOf } = setUp();
    rulings.install(stored(5, {}));
    expect(rulings.apply({ kind: 'block', member: member('ada'), forMs: 9 }, { before: 5, after: 6 })).toBe(
      true,
    );
    const override = forPattern('ada', numbers(3));
    const change = { kind: 'override', field: fieldOf(override), value: valueOf(override) } as const;
    expect(rulings.apply(change, { before: 6, after: 7 })).toBe(true);
    expect([rulings.version, rulings.blocked().length, quotaOf('ada')]).toEqual([7, 1, 3]);
    expect(rulings.apply({ kind: 'unblock', members: [member('ada')] }, { before: 8, after: 9 })).toBe(false);
    expect([rulings.version, rulings.blocked().length]).toEqual([7, 0]);
    rulings.apply({ kind: 'lift', field: change.field }, { before: 9, after: 10 });
    expect(quotaOf('ada')).toBe(100);
  });
});

describe('what is gone', () => {
  const full = stored(7, { [member('ada')]: MINUTE_MS }, [forPattern('*', numbers(1))]);

  it('was lifted where the version is newer', () => {
    const { rulings } = setUp();
    rulings.install(full);
    expect(rulings.install(stored(8, {})).lost).toBe(0);
  });

  it.each([0, 6, 7])('was lost where the version is %i instead of 7', (version) => {
    const { rulings } = setUp();
    expect(rulings.install(full).lost).toBe(0);
    expect(rulings.install(stored(version, {})).lost).toBe(2);
    expect(rulings.install(stored(version, {})).lost).toBe(0);
  });

  it('was not lost where a block has ended, or where nothing is missing', () => {
    const { clock, rulings } = setUp();
    rulings.install(full);
    expect(rulings.install({ ...full, version: 0 }).lost).toBe(0);
    clock.advance(MINUTE_MS);
    expect(rulings.install({ ...full, version: 0, blocks: new Map() }).lost).toBe(0);
  });
});
