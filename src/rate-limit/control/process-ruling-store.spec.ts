import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { ProcessRulingStore } from './process-ruling-store.js';
import { MOST_BLOCKS, MOST_OVERRIDES } from './ruling-store.js';

describe('rulings of one process', () => {
  it('are numbered by the changes that changed something', async () => {
    const store = new ProcessRulingStore(new ManualClock());
    const block = { kind: 'block', member: 'm', forMs: 100 } as const;
    expect(await store.change(block)).toEqual({ outcome: 'changed', before: 0, after: 1 });
    expect(await store.change({ kind: 'unblock', members: ['x'] })).toMatchObject({
      outcome: 'nothing',
      after: 1,
    });
    expect(await store.change({ kind: 'unblock', members: ['x', 'm'] })).toMatchObject({
      outcome: 'changed',
      after: 2,
    });
    expect(await store.change({ kind: 'lift', field: 'f' })).toMatchObject({ outcome: 'nothing' });
    await store.change({ kind: 'override', field: 'f', value: 'v' });
    expect(await store.load()).toEqual({ version: 3, blocks: new Map(), overrides: new Map([['f', 'v']]) });
    expect(await store.version()).toBe(3);
  });

  it('end by themselves and are bounded', async () => {
    const clock = new ManualClock();
    const store = new ProcessRulingStore(clock);
    for (let at = 0; at < MOST_BLOCKS; at += 1)
      await store.change({ kind: 'block', member: `m${at}`, forMs: 100 });
    const further = { kind: 'block', member: 'further', forMs: 100 } as const;
    expect((await store.change(further)).outcome).toBe('full');
    expect((await store.change({ ...further, member: 'm0' })).outcome).toBe('changed');
    clock.advance(60);
    expect((await store.load()).blocks.get('m1')).toBe(40);
    clock.advance(40);
    expect((await store.change(further)).outcome).toBe('changed');
    expect((await store.load()).blocks.size).toBe(1);

    for (let at = 0; at < MOST_OVERRIDES; at += 1)
      await store.change({ kind: 'override', field: `f${at}`, value: 'v' });
    expect((await store.change({ kind: 'override', field: 'further', value: 'v' })).outcome).toBe('full');
    expect((await store.change({ kind: 'override', field: 'f0', value: 'w' })).outcome).toBe('changed');
  });
});
