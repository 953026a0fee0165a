import { describe, expect, it } from 'vitest';
import { isDeeperThan } from './json-depth.js';

const deep = (levels: number, open = '[', close = ']') => open.repeat(levels) + close.repeat(levels);
const json = (text: string) => Buffer.from(text);

describe('The depth of a JSON text', () => {
  it.each([
    ['lists', deep(9), deep(8)],
    ['objects', deep(9, '{"a":', '}'), deep(8, '{"a":', '}')],
    ['both in turn', deep(5, '[{"a":', '}]'), deep(4, '[{"a":', '}]')],
  ])('is that of %s', (_what, more, most) => {
    expect([isDeeperThan(8, json(more)), isDeeperThan(8, json(most))]).toEqual([true, false]);
  });

  it('is not the number of brackets', () => {
    const flat = JSON.stringify({ rows: Array.from({ length: 1000 }, () => ({ a: [1], b: {} })) });
    expect(isDeeperThan(8, json(flat))).toBe(false);
    expect(isDeeperThan(3, json(flat))).toBe(true);
  });

  it.each(['[[[[', '\\"[[[[', '\\\\', 'ä[[[['])('does not count what stands in texts: %j', (text) => {
    const quoted = `"${text}"`;
    expect(isDeeperThan(2, json(`[${quoted},${quoted},[${quoted}]]`))).toBe(false);
    expect(isDeeperThan(2, json(`[${quoted},${quoted},[[${quoted}]]]`))).toBe(true);
  });
});
