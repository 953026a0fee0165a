import { describe, expect, it } from 'vitest';
import { TokenArrivals } from './token-arrivals.js';

function listened() {
  const arrivals = new TokenArrivals();
  const heard: string[] = [];
  let away = false;
  arrivals.heardBy((familyId, generation) => {
    heard.push(`${familyId} ${generation}`);
    return away ? Promise.reject(new Error('away')) : Promise.resolve();
  });
  return { arrivals, heard, lose: (lost: boolean) => void (away = lost) };
}

describe('the arrival of a refresh token', () => {
  it('is told once per exchange, however often its access token is used', () => {
    const { arrivals, heard } = listened();
    for (const generation of [1, 1, 2, 1, 2]) arrivals.note('a', generation);
    arrivals.note('b', 1);
    expect(heard).toEqual(['a 1', 'a 2', 'b 1']);
  });

  it('is none where the token came with a login, which has exchanged nothing', () => {
    const { arrivals, heard } = listened();
    arrivals.note('a', undefined);
    expect(heard).toEqual([]);
  });

  it('is told again where it could not be heard', async () => {
    const { arrivals, heard, lose } = listened();
    lose(true);
    arrivals.note('a', 1);
    arrivals.note('a', 1);
    await Promise.resolve();
    lose(false);
    arrivals.note('a', 1);
    arrivals.note('a', 1);
    expect(heard).toEqual(['a 1', 'a 1']);
  });

  it('concerns nobody where nobody listens', () => {
    expect(() => new TokenArrivals().note('a', 1)).not.toThrow();
  });

  it('is forgotten for whoever was told longest ago, beyond 5000 families', () => {
    const { arrivals, heard } = listened();
    for (let at = 0; at <= 5000; at += 1) arrivals.note(`f${at}`, 1);
    arrivals.note('f1', 1);
    expect(heard).toHaveLength(5001);
    arrivals.note('f0', 1);
    expect(heard.at(-1)).toBe('f0 1');
  });
});
