import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { lossFor } from '../loss.js';
import { Replacement, type Verdict } from './replacement.js';

const REFUSED: Verdict = { kind: 'refused', loss: lossFor('auth') };
const ACCEPTED: Verdict = { kind: 'accepted' };
const UNDECIDED: Verdict = { kind: 'undecided', loss: lossFor('refused') };

/** Values are objects, as credentials are: equal ones need not be the same. */
interface Value {
  readonly name: string;
}

function rig({ connected = true } = {}) {
  const clock = new ManualClock();
  const old: Value = { name: 'old' };
  const state = { inUse: old, connected, verdict: ACCEPTED, rehearsed: [] as string[], said: [] as string[] };
  const replacement = new Replacement<Value>(
    {
      inUse: () => state.inUse,
      use: (value) => (state.inUse = value),
      same: (a, b) => a.name === b.name,
      rehearse: (value) => {
        state.rehearsed.push(value.name);
        return Promise.resolve(state.verdict);
      },
      connected: () => state.connected,
      applied: () => state.said.push('applied'),
      kept: (outcome, _, first) => state.said.push(first ? outcome : `${outcome} again`),
    },
    clock,
    old,
  );
  return { clock, state, replacement, old, fresh: { name: 'new' } };
}

describe('What is offered while a connection stands', () => {
  it('is rehearsed and then used', async () => {
    const { state, replacement, fresh } = rig();
    expect(await replacement.offer(fresh)).toBe(true);
    expect(state).toMatchObject({ inUse: fresh, rehearsed: ['new'], said: ['applied'] });
    expect(replacement.settled).toBe(true);
  });

  it('is left alone when it is what is in use already', async () => {
    const { state, replacement } = rig();
    expect(await replacement.offer({ name: 'old' })).toBe(false);
    expect(state).toMatchObject({ rehearsed: [], said: [] });
  });

  it('is not used when the server refuses it, and is tried again after growing pauses', async () => {
    const { clock, state, replacement, old, fresh } = rig();
    state.verdict = REFUSED;
    await replacement.offer(fresh);
    expect(state).toMatchObject({ inUse: old, said: ['refused'] });
    await replacement.offer({ name: 'new' });
    expect(state.rehearsed).toHaveLength(1);
    for (const [ms, times] of [
      [5000, 2],
      [9999, 2],
      [1, 3],
    ] as const) {
      clock.advance(ms);
      await replacement.offer({ name: 'new' });
      expect(state.rehearsed).toHaveLength(times);
    }
    state.verdict = ACCEPTED;
    clock.advance(20_000);
    await replacement.offer({ name: 'new' });
    expect(state.inUse).toEqual(fresh);
    expect(state.said).toEqual(['refused', 'refused again', 'refused again', 'applied']);
  });

  it('is tried again at once when that is forced, or when it is another one', async () => {
    const { state, replacement } = rig();
    state.verdict = REFUSED;
    await replacement.offer({ name: 'new' });
    await replacement.offer({ name: 'new' }, true);
    await replacement.offer({ name: 'newer' });
    expect(state.rehearsed).toEqual(['new', 'new', 'newer']);
  });

  it('is tried again at the next look when no server could be asked', async () => {
    const { state, replacement, old } = rig();
    state.verdict = UNDECIDED;
    await replacement.offer({ name: 'new' });
    expect(replacement.settled).toBe(false);
    expect(state).toMatchObject({ inUse: old, said: ['untried'] });
    state.verdict = ACCEPTED;
    await replacement.offer({ name: 'new' });
    expect(state).toMatchObject({ inUse: { name: 'new' }, said: ['untried', 'applied'] });
  });
});

describe('What is offered while no connection stands', () => {
  it('is used at once, and has been applied when a server accepts it', async () => {
    const { state, replacement, fresh } = rig({ connected: false });
    await replacement.offer(fresh);
    expect(state).toMatchObject({ inUse: fresh, rehearsed: [], said: [] });
    replacement.accepted(fresh);
    expect(state.said).toEqual(['applied']);
  });

  it('takes turns with the old one as long as servers refuse, since either may be right', async () => {
    const { state, replacement, old, fresh } = rig({ connected: false });
    await replacement.offer(fresh);
    replacement.refused(fresh, lossFor('auth'));
    expect(state).toMatchObject({ inUse: old, said: ['refused'] });
    replacement.refused(old, lossFor('auth'));
    expect(state.inUse).toBe(fresh);
    replacement.refused(fresh, lossFor('auth'));
    replacement.accepted(old);
    expect(state).toMatchObject({ inUse: old, said: ['refused', 'refused again'] });
  });

  it('is the new one at once when the old one is refused after it was offered in vain', async () => {
    const { state, replacement, old, fresh } = rig();
    state.verdict = REFUSED;
    await replacement.offer(fresh);
    state.connected = false;
    replacement.refused(old, lossFor('auth'));
    expect(state.inUse).toBe(fresh);
    replacement.accepted(fresh);
    expect(state.said).toEqual(['refused', 'applied']);
  });
});

describe('A refusal', () => {
  it('of what is not in use any more changes nothing', async () => {
    const { state, replacement, old, fresh } = rig();
    await replacement.offer(fresh);
    replacement.refused(old, lossFor('auth'));
    expect(state.inUse).toBe(fresh);
  });

  it('changes nothing while nothing else was offered', () => {
    const { state, replacement, old } = rig();
    replacement.refused(old, lossFor('auth'));
    expect(state).toMatchObject({ inUse: old, said: [] });
  });
});
