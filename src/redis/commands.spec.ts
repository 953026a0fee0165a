import { describe, expect, it } from 'vitest';
import { COMMANDS, mayWrite } from './commands.js';

/** Those of the table that change nothing, as Redis documents them; scripts may do anything. */
const READS = [
  'ping time get mget exists ttl pttl hget hgetall hlen hmget smembers sismember lrange zcard zscore zrange script',
  'xlen xrange xrevrange xread xpending xinfo',
].flatMap((names) => names.split(' '));
const WRITES = Object.keys(COMMANDS).filter((name) => !READS.includes(name));

describe('mayWrite', () => {
  it.each(READS)('is false for %s', (name) => {
    expect(mayWrite(name, false)).toBe(false);
  });

  it.each(WRITES)('is true for %s', (name) => {
    expect(mayWrite(name, false)).toBe(true);
  });

  it('covers the whole table, half of it on each side', () => {
    expect(READS.filter((name) => !Object.hasOwn(COMMANDS, name))).toEqual([]);
    expect(WRITES).toContain('xreadgroup');
    expect(WRITES).toContain('getex');
    expect(WRITES).toContain('eval');
    expect(WRITES.length).toBeGreaterThan(20);
  });

  it('is true for what nobody has thought of', () => {
    expect(mayWrite('copy', false)).toBe(true);
  });

  it.each(Object.keys(COMMANDS))('is false for %s while a transaction is queued', (name) => {
    expect(mayWrite(name, true)).toBe(false);
  });

  it('is true for EXEC, at which a transaction counts, and false around it', () => {
    expect(mayWrite('exec', true)).toBe(true);
    expect(mayWrite('multi', true)).toBe(false);
    expect(mayWrite('discard', true)).toBe(false);
  });

  it('is true for EXEC, whether the library counts it to its transaction or not', () => {
    expect(mayWrite('exec', false)).toBe(true);
    expect(mayWrite('multi', false)).toBe(false);
    expect(mayWrite('discard', false)).toBe(false);
  });
});
