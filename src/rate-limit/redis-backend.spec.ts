import { describe, expect, it } from 'vitest';
import { decodeSpending } from './redis-backend.js';

describe('the reply of gcra.lua', () => {
  it('is read three numbers per limit', () => {
    expect(decodeSpending([0, 9, 100, 0, 0, 2500, -1])).toEqual({
      allowed: false,
      outcomes: [
        { remaining: 9, resetUs: 100, waitUs: 0 },
        { remaining: 0, resetUs: 2500, waitUs: -1 },
      ],
    });
  });

  it.each([[null], ['OK'], [[1, 2, 3]], [[1, '9', 100, 0]], [[1, 9, 100.5, 0]], [[]]])(
    '%j is refused instead of read as an allowance',
    (reply) => expect(() => decodeSpending(reply)).toThrow(TypeError),
  );
});
