import { describe, expect, it } from 'vitest';
import { OPERATION } from './counting/outcome.js';
import { openEngine } from './engine.rig.js';
import { ALICE, POLICIES, namesOf } from './limit-engine.rig.js';

const { spend, raise, charge, reset } = OPERATION;

describe('An order of an operator', () => {
  it('comes after what Redis is owed, also where it answers before it is taken for back', async () => {
    const { engine, decider, limiter, state, asked } = openEngine(POLICIES);
    await limiter.check('address', ALICE, { cost: 5 });
    state.lost = 'refused';
    decider.left();
    await limiter.check('address', ALICE, { cost: 3 });
    const plan = engine.book.plan('address');
    await engine.order(plan, [ALICE.ip], { operation: reset, cost: 1 });
    state.lost = undefined;
    decider.returned();
    expect(asked.map(({ operation }) => operation)).toEqual([spend, raise, charge, reset]);
    expect(namesOf(await limiter.peek('address', ALICE))).toEqual(['address 10']);
  });
});
