import { describe, expect, it } from 'vitest';
import { Secret } from '../../kernel/redact.js';
import { Subject } from '../counting/subject.js';
import { SubjectDigest } from '../counting/subject-digest.js';
import { canary } from './canary.js';

const digest = new SubjectDigest(new Secret('k'.repeat(32)));
const clients = Array.from({ length: 10_000 }, (_, at) => {
  const value = `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
  return new Subject('ip', value, digest.of('ip', value));
});
const chosenBy = (percent: number) => clients.filter(canary(percent));

describe('canary', () => {
  it('leaves everybody to Redis at 100 and nobody at 0', () => {
    expect(chosenBy(100)).toHaveLength(10_000);
    expect(chosenBy(0)).toHaveLength(0);
  });

  // Five standard deviations of a fair choice, which is what a digest is.
  it.each([
    [1, 50],
    [10, 150],
    [50, 250],
    [99, 50],
  ])('leaves %i %% of 10,000 clients to Redis, give or take %i', (percent, deviation) => {
    expect(Math.abs(chosenBy(percent).length - percent * 100)).toBeLessThan(deviation);
  });

  it('answers the same for a client wherever it is asked, and goes on with those it has when it grows', () => {
    expect(chosenBy(10)).toEqual(chosenBy(10));
    const more = new Set(chosenBy(20));
    expect(chosenBy(10).every((client) => more.has(client))).toBe(true);
  });
});
