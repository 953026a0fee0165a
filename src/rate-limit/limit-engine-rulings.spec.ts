import { describe, expect, it } from 'vitest';
import { openEngine } from './engine.rig.js';
import { ALICE, BOB, POLICIES, namesOf, rulings } from './limit-engine.rig.js';

describe('The engine follows what operators have set', () => {
  it('a block: until its end, for whom it is about, whatever is left', async () => {
    const { ruling, change } = rulings();
    const { limiter, asked, clock } = openEngine(POLICIES, { ruling });
    await limiter.check('person', ALICE);
    const untilMs = clock.monotonicMs() + 5000;
    change({
      blockedUntilMs: (dimension, digest) => (dimension === 'user' && digest.includes('alice') ? untilMs : 0),
    });
    const blocked = await limiter.check(['address', 'person'], ALICE);
    expect(blocked).toMatchObject({ allowed: false, state: 'block', blocked: true, retryAfterMs: 5000 });
    expect(await limiter.check(['address', 'person'], BOB)).toMatchObject({ allowed: true });
    expect(await limiter.check('address', ALICE)).toMatchObject({ allowed: true });
    clock.advance(4999.5);
    expect(await limiter.peek('person', ALICE)).toMatchObject({ state: 'block', retryAfterMs: 1 });
    const questions = asked.length;
    await limiter.refund('person', ALICE);
    expect(asked).toHaveLength(questions + 1);
    clock.advance(0.5);
    expect(await limiter.check('person', ALICE)).toMatchObject({ allowed: true });
  });

  it('a block: told in whole microseconds, whatever the clock says', async () => {
    const window = { limits: [{ kind: 'window', per: 'user', quota: 10, windowMs: 10_000 }] } as const;
    const { ruling, change } = rulings();
    const { limiter, clock } = openEngine({ window }, { ruling });
    await limiter.check('window', ALICE);
    clock.advance(1234.5678);
    change({ blockedUntilMs: () => clock.monotonicMs() + 5000 });
    const { blocked, outcomes } = await limiter.check('window', ALICE);
    expect(blocked).toBe(true);
    expect(outcomes.every(({ resetUs }) => Number.isInteger(resetUs))).toBe(true);
  });

  it('another limit, an exemption, and a limit that only watches', async () => {
    const { ruling, change } = rulings();
    const { limiter } = openEngine(POLICIES, { ruling });
    await limiter.check(['address', 'person'], ALICE, { cost: 10 });
    change({
      limitFor: (limit) =>
        limit.per === 'user' ? { ...limit, burst: 20, quota: 20, capacity: 20_000_000 } : limit,
    });
    expect(namesOf(await limiter.peek('person', ALICE))).toEqual(['person 10']);
    change({ limitFor: (limit) => (limit.per === 'ip' ? { ...limit, spared: 'exempt' } : limit) });
    expect(namesOf(await limiter.peek(['address', 'person'], BOB))).toEqual(['person 10']);
    change({ limitFor: (limit) => ({ ...limit, spared: 'shadow' }) });
    expect(await limiter.check(['address', 'person'], ALICE)).toMatchObject({ allowed: true, limits: [] });
  });
});
