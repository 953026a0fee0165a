import { beforeEach, describe, expect, it } from 'vitest';
import { WaitGroup } from './wait-group.js';

describe('WaitGroup', () => {
  let told: string[];
  const call = (name: string) => ({
    release: () => void told.push(`${name} released`),
    refuse: (cause: string) => void told.push(`${name} refused: ${cause}`),
  });

  beforeEach(() => {
    told = [];
  });

  /** A group of two calls that wait for `replicas`. */
  const groupFor = (replicas: number): WaitGroup => {
    const group = new WaitGroup(replicas);
    group.hold(call('a'));
    group.hold(call('b'));
    return group;
  };

  it('tells nobody anything before the WAIT is answered', () => {
    groupFor(1);
    expect(told).toEqual([]);
  });

  it.each([
    [1, 1],
    [1, 2],
    [2, 2],
    [2, 5],
  ])('releases all when of %d replicas that must have it %d do, in their order', (replicas, count) => {
    groupFor(replicas).answered(count);
    expect(told).toEqual(['a released', 'b released']);
  });

  it.each([
    [1, 0],
    [2, 1],
    [5, 4],
  ])('refuses all when of %d replicas that must have it %d do', (replicas, count) => {
    groupFor(replicas).answered(count);
    expect(told).toEqual(['a refused: noreplicas', 'b refused: noreplicas']);
  });

  it.each([
    ['a text', '5'],
    ['nothing', undefined],
    ['null', null],
    ['no number', Number.NaN],
    ['a list', [5]],
  ])('takes %s in place of the count for too few', (_, count) => {
    groupFor(1).answered(count);
    expect(told).toEqual(['a refused: noreplicas', 'b refused: noreplicas']);
  });

  it('refuses all when the connection ends first', () => {
    groupFor(1).lost('reset');
    expect(told).toEqual(['a refused: reset', 'b refused: reset']);
  });

  it('tells each call once, whatever comes after', () => {
    const group = groupFor(1);
    group.answered(1);
    group.lost('reset');
    group.answered(0);
    expect(told).toEqual(['a released', 'b released']);
  });

  it('judges a call that comes while others are released by itself', () => {
    const group = new WaitGroup(1);
    group.hold({ ...call('a'), release: () => group.hold(call('late')) });
    group.answered(1);
    expect(told).toEqual([]);
    group.lost('reset');
    expect(told).toEqual(['late refused: reset']);
  });
});
