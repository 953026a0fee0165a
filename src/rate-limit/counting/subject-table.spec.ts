import { describe, expect, it } from 'vitest';
import { canonicalAddress } from './client-address.js';
import { SubjectTable } from './subject-table.js';

function tableOf({ capacity = 100, canonical = (text: string) => text } = {}) {
  const forgotten: number[] = [];
  const digested: string[] = [];
  const table = new SubjectTable({
    dimension: 'ip',
    capacity,
    canonical,
    digest: (text) => {
      digested.push(text);
      return `digest of ${text.slice(0, 20)}, ${text.length}, ${text.at(-1)}`;
    },
    onForgotten: (count) => forgotten.push(count),
  });
  return { table, forgotten, digested };
}

/** Strangers, each of whom comes once. */
function flood(table: SubjectTable, count: number, each: () => void = () => undefined): void {
  for (let at = 0; at < count; at += 1) {
    table.get(`stranger ${at}`);
    each();
  }
}

describe('The table of subjects', () => {
  it('knows a subject again, and digests it once', () => {
    const { table, digested } = tableOf();
    const subject = table.get('somebody');
    expect(table.get('somebody')).toBe(subject);
    expect(subject).toMatchObject({ dimension: 'ip', value: 'somebody', digest: 'digest of somebody, 8, y' });
    expect(digested).toEqual(['somebody']);
  });

  it('is bounded, and says how many it forgot', () => {
    const { table, forgotten } = tableOf({ capacity: 100 });
    flood(table, 10_000, () => expect(table.size).toBeLessThanOrEqual(100));
    expect(forgotten.reduce((sum, count) => sum + count, 0)).toBe(10_000 - table.size);
  });

  it('keeps who comes at least once while half a table of strangers comes', () => {
    const { table } = tableOf({ capacity: 100 });
    const [regular, busy] = [table.get('regular'), table.get('busy')];
    let since = 0;
    flood(table, 10_000, () => {
      expect(table.get('busy')).toBe(busy);
      since = (since + 1) % 45;
      expect(since === 0 ? table.get('regular') : regular).toBe(regular);
    });
  });

  it('forgets who stayed away', () => {
    const { table } = tableOf({ capacity: 100 });
    const subject = table.get('guest');
    flood(table, 101);
    expect(table.get('guest')).not.toBe(subject);
  });

  it.each([
    ['2001:db8::1', '2001:db8::2', '[2001:db8::9]:443', '2001:0DB8:0::ffff'],
    ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201', '192.0.2.1:80'],
    ['unknown', '', 'no address', 'x'.repeat(5000)],
  ])('takes all notations of one for one: %s', (...notations) => {
    const { table, digested } = tableOf({ canonical: canonicalAddress });
    const subjects = new Set(notations.map((text) => table.get(text)));
    expect(subjects.size).toBe(1);
    expect(digested).toHaveLength(1);
  });

  it('keeps a /64 one subject, however many of its addresses come, go and come back', () => {
    const { table } = tableOf({ capacity: 20, canonical: canonicalAddress });
    const subject = table.get('2001:db8::1');
    for (let step = 0; step < 5000; step += 1) {
      table.get(`198.51.${step >> 8}.${step & 255}`);
      // The first address stays; others of its network come now and then, some of them again.
      const addresses = ['2001:db8::1'];
      if (step % 7 === 0) addresses.push(`2001:db8::${(step % 91).toString(16)}`);
      if (step % 31 === 0) addresses.push(`2001:db8::a:${step.toString(16)}`);
      for (const address of addresses) expect(table.get(address)).toBe(subject);
      expect(table.size).toBeLessThanOrEqual(20);
    }
  });

  it('never has two subjects for one client, even where one of them was forgotten', () => {
    const { table } = tableOf({ capacity: 8, canonical: canonicalAddress });
    let state = 1;
    const roll = (n: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    for (let step = 0; step < 20_000; step += 1) {
      if (roll(2) === 0) table.get(`203.0.113.${roll(40)}`);
      const [one, other] = [`2001:db8::${roll(3)}`, `2001:db8::${roll(3)}`];
      expect(table.get(one)).toBe(table.get(other));
    }
  });

  it('tells long texts apart by all of their characters, and keeps none of them: a header may hold 16 KiB', () => {
    const { table } = tableOf();
    const [one, other] = ['a', 'b'].map((end) => `${'x'.repeat(16_000)}${end}`) as [string, string];
    const subject = table.get(one);
    expect(table.get(one)).toBe(subject);
    expect(table.get(other)).not.toBe(subject);
    expect(subject.value).toBe('x'.repeat(200));
    expect(table.size).toBe(2);
    flood(table, 101);
    expect(table.get(one)).not.toBe(subject);
  });
});
