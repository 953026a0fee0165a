import { describe, expect, it } from 'vitest';
import { readAddress } from './read-address.js';

describe('readAddress', () => {
  it.each([
    ['127.0.0.1', 6379],
    ['::1', '6380'],
    ['redis-1.cache_a.internal', 65_535],
  ])('takes %s and %s', (host, port) => {
    expect(readAddress(host, port)).toEqual({ host, port: Number(port) });
  });

  it.each<[host: unknown, port: unknown]>([
    ['', 6379],
    ['a'.repeat(256), 6379],
    ['127.0.0.1\nEVIL: x', 6379],
    ['a b', 6379],
    [undefined, 6379],
    [['127.0.0.1'], 6379],
    ['a', 0],
    ['a', 65_536],
    ['a', '6379.5'],
    ['a', '0x50'],
    ['a', ' '],
    ['a', '1e3'],
    ['a', undefined],
  ])('refuses %j and %j', (host, port) => {
    expect(readAddress(host, port)).toBeUndefined();
  });
});
