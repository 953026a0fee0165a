import { describe, expect, it } from 'vitest';
import { PolicyBook } from './plan.js';
import { POLICIES } from './policies.js';
import type { LimitRow, Policy, PolicyTable } from './policy.js';
import { PolicyError } from './policy-rules.js';

const row = (per: LimitRow['per'], name?: string): LimitRow => ({
  per,
  quota: 10,
  windowMs: 1000,
  burst: 5,
  ...(name === undefined ? {} : { name }),
});
const TABLE = {
  address: { limits: [row('ip')] },
  person: { limits: [row('user', 'short'), row('user', 'long'), row('ip')] },
  all: { limits: [row('global')], mode: 'shadow' },
} satisfies PolicyTable;

const namesOf = (policies: readonly { name: string }[]) => policies.map(({ name }) => name);
const policiesOf = (limits: readonly { limit: { policy: string } }[]) => [
  ...new Set(limits.map(({ limit }) => limit.policy)),
];
const limitsOf = (limits: readonly { limit: { name: string }; at: number }[]) =>
  limits.map(({ limit, at }) => `${limit.name}@${at}`);

describe('The book of policies', () => {
  it('holds the policies of the house', () => {
    expect(new PolicyBook(POLICIES).has('default')).toBe(true);
  });

  it('refuses faulty policies, and a shadow mode for what is none of them', () => {
    const faulty: Policy = { limits: [{ ...row('ip'), quota: 0 }] };
    expect(() => new PolicyBook({ ...TABLE, faulty })).toThrow(PolicyError);
    for (const name of ['adress', 'toString', '__proto__'])
      expect(() => new PolicyBook(TABLE, ['all', name])).toThrow(
        `RATE_LIMIT_SHADOW: there is no policy "${name}"`,
      );
  });

  it('makes one plan for the same policies', () => {
    const book = new PolicyBook(TABLE);
    expect(book.plan(['address', 'person'])).toBe(book.plan(['address', 'person']));
    expect(book.plan('address')).toBe(book.plan(['address']));
    expect(book.plan(['person', 'address'])).not.toBe(book.plan(['address', 'person']));
  });

  it('makes no other plan for names that are repeated', () => {
    const book = new PolicyBook(TABLE);
    const plan = book.plan(['address', 'person']);
    expect(book.plan(['address', 'person', 'address', 'person'])).toBe(plan);
    expect(book.plan(['address', 'address'])).toBe(book.plan('address'));
  });

  it('keeps a bounded number of plans, whatever order their names come in', () => {
    const names = Array.from({ length: 40 }, (_, at) => `policy-${at}`);
    const book = new PolicyBook(Object.fromEntries(names.map((name) => [name, { limits: [row('ip')] }])));
    const first = book.plan(['policy-0', 'policy-1']);
    for (const one of names) for (const other of names) book.plan([one, other]);
    expect(book.plan(['policy-0', 'policy-1'])).toBe(first);
    const late = book.plan(['policy-39', 'policy-38']);
    expect(policiesOf(late.limits)).toEqual(['policy-39', 'policy-38']);
    expect(book.plan(['policy-39', 'policy-38'])).not.toBe(late);
  });

  it('plans each dimension once, each policy once, and says which dimension a limit counts', () => {
    const plan = new PolicyBook(TABLE).plan(['address', 'person', 'all', 'address']);
    expect(plan.dimensions).toEqual(['ip', 'user', 'global']);
    expect(policiesOf(plan.limits)).toEqual(['address', 'person']);
    expect(limitsOf(plan.limits)).toEqual(['address@0', 'short@1', 'long@1', 'person-ip@0']);
    expect(plan.shadowed.map(({ name, limits }) => [name, limitsOf(limits)])).toEqual([['all', ['all@2']]]);
    expect(limitsOf(plan.every)).toEqual(['address@0', 'short@1', 'long@1', 'person-ip@0', 'all@2']);
  });

  it('asks first for who tells one client from another: by that one a canary chooses', () => {
    const plan = new PolicyBook(TABLE).plan(['all', 'person']);
    expect(plan.dimensions).toEqual(['user', 'ip', 'global']);
    expect(limitsOf(plan.every)).toEqual(['all@2', 'short@0', 'long@0', 'person-ip@1']);
  });

  it('gives each limit of a dimension a seat of its own, whatever policy it belongs to', () => {
    const seats = new PolicyBook(TABLE)
      .all()
      .flatMap(({ limits }) => limits.map(({ per, seat }) => `${per} ${seat}`));
    expect(new Set(seats).size).toBe(seats.length);
  });

  it('changes the mode of a policy for those who hold its plan already', () => {
    const book = new PolicyBook(TABLE, ['address']);
    const plan = book.plan(['address', 'person', 'all']);
    expect(policiesOf(plan.limits)).toEqual(['person']);
    book.shadow('address', false);
    book.shadow('person', true);
    expect(policiesOf(plan.limits)).toEqual(['address']);
    expect(limitsOf(plan.limits)).toEqual(['address@0']);
    expect(namesOf(plan.shadowed)).toEqual(['person', 'all']);
    expect(book.shadowed()).toEqual(['all', 'person']);
    expect(() => book.shadow('nobody', true)).toThrow(RangeError);
  });

  it.each([['nobody'], ['address', 'nobody'], []])('refuses a plan of %j', (...names: string[]) => {
    const book = new PolicyBook(TABLE);
    expect(() => book.plan(names)).toThrow(RangeError);
    expect(() => book.plan(names)).toThrow(
      names.length > 0 ? /no rate-limit policy "nobody"/ : /at least one policy/,
    );
  });

  it('refuses a plan of more limits than one call can tell', () => {
    const eight = (name: string) => Array.from({ length: 8 }, (_, at) => row('ip', `${name}-${at}`));
    const names = Array.from({ length: 16 }, (_, at) => `policy-${at}`);
    const book = new PolicyBook(Object.fromEntries(names.map((name) => [name, { limits: eight(name) }])));
    expect(() => book.plan(names)).toThrow('A check is about 127 limits at most; these have 128');
    expect(book.plan(names.slice(1)).every).toHaveLength(120);
  });
});
