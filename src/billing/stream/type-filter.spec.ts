import { describe, expect, it } from 'vitest';
import { TYPE_GLOBS, TypeFilter } from './type-filter.js';

describe('TypeFilter', () => {
  it.each([
    ['invoice.paid', ['invoice.paid'], ['invoice.paid2', 'invoice.pai', 'xinvoice.paid']],
    ['invoice.*', ['invoice.paid', 'invoice.'], ['invoice', 'invoiceitem.created']],
    ['*.created', ['customer.created', '.created'], ['created', 'customer.created.x']],
    ['a*b*c', ['abc', 'aXbYc', 'abbcbc'], ['ab', 'acb', 'abcd']],
    ['customer.*,invoice.paid', ['customer.x', 'invoice.paid'], ['invoice.void']],
    ['v2.core.account[*].updated', ['v2.core.account[x].updated'], ['v2.core.account.updated']],
  ])('%s', (text, passing, other) => {
    const filter = TypeFilter.parse(text);
    expect(passing.map((type) => filter?.passes(type))).toEqual(passing.map(() => true));
    expect(other.map((type) => filter?.passes(type))).toEqual(other.map(() => false));
  });

  it('is none where everything passes, and one for the same globs in any order', () => {
    expect([TypeFilter.parse(undefined), TypeFilter.parse('*'), TypeFilter.parse('a,**')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(TypeFilter.parse('b,a,b')?.key).toBe(TypeFilter.parse('a,b')?.key);
  });

  it('takes no time for a glob that is made to take some', () => {
    const filter = TypeFilter.parse(`${'a*'.repeat(49)}b`);
    const startMs = performance.now();
    for (let n = 0; n < 1000; n += 1) expect(filter?.passes(`${'a'.repeat(200)}${n}`)).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(5000);
  });

  it.each(['', 'a,', ',a', 'a b', 'a\nb', `${'a'.repeat(101)}`, 'a,'.repeat(20) + 'a', '(a+)+$'])(
    'does not take %j',
    (text) => expect(TYPE_GLOBS.test(text)).toBe(false),
  );
});
