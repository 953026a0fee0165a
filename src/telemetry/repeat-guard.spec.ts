import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { RepeatGuard } from './repeat-guard.js';

describe('RepeatGuard', () => {
  it('lets a key through once per interval and says how many it left out', () => {
    const clock = new ManualClock();
    const guard = new RepeatGuard(clock, 300_000);
    const said: string[] = [];
    const attempt = (key: string) => guard.once(key, (suppressed) => said.push(`${key}:${suppressed}`));
    for (let second = 0; second < 301; second++) {
      attempt('billing');
      clock.advance(1000);
    }
    attempt('auth');
    expect(said).toEqual(['billing:0', 'billing:299', 'auth:0']);
  });

  it('forgets the oldest of very many keys instead of growing', () => {
    const guard = new RepeatGuard(new ManualClock(), 1000);
    let said = 0;
    for (let i = 0; i < 1001; i++) guard.once(`key-${i}`, () => said++);
    guard.once('key-0', () => said++);
    guard.once('key-1000', () => said++);
    expect(said).toBe(1002);
  });
});
