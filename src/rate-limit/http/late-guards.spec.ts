import { describe, expect, it } from 'vitest';
import { lateGuards } from './late-guards.js';

class Access {}
class Other {}
class Counter {}
class Bystander {}

const late = (...guards: unknown[]): string[] =>
  lateGuards({ guards, guard: Counter, bystanders: [Counter, Bystander] });

describe('guards that run after a request is counted', () => {
  it('are all of the route where it does not name the guard that counts', () => {
    expect(late()).toEqual([]);
    expect(late(Access, Other)).toEqual(['Access', 'Other']);
    expect(late(new Access())).toEqual(['Access']);
  });

  it('are those behind that guard', () => {
    expect(late(Access, Counter)).toEqual([]);
    expect(late(Access, Counter, Other)).toEqual(['Other']);
    expect(late(Counter, Access)).toEqual(['Access']);
  });

  it('are none that ran before it already, and each is named once', () => {
    expect(late(Access, Counter, Access)).toEqual([]);
    expect(late(Counter, Access, Access)).toEqual(['Access']);
    // It decides where it stands first.
    expect(late(Counter, Access, Counter)).toEqual(['Access']);
  });

  it('are none that tell nobody who is asking', () => {
    expect(late(Bystander, Counter, Bystander)).toEqual([]);
  });
});
