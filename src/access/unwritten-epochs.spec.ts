import { describe, expect, it } from 'vitest';
import { UnwrittenEpochs } from './unwritten-epochs.js';

const told = { epoch: 3, confirmedAtMs: 1000 };

describe('An epoch that Redis took no note of', () => {
  it.each(['2:500', null])('stands in for the mirror while that says %j, and for no other', (text) => {
    const epochs = new UnwrittenEpochs();
    epochs.add('a', text, told);
    expect([epochs.find('a', text), epochs.find('b', text)]).toMatchObject([told, undefined]);
    expect(epochs.find('a', '2:900')).toBeUndefined();
    // Written once is written: what was told before does not come back.
    expect(epochs.find('a', text)).toBeUndefined();
  });

  it('is remembered of ten thousand users, and forgotten of whom it was told longest ago', () => {
    const epochs = new UnwrittenEpochs();
    for (let user = 0; user < 10_000; user += 1) epochs.add(String(user), null, told);
    epochs.add('0', null, told);
    epochs.add('one more', null, told);
    expect([epochs.find('0', null), epochs.find('1', null)]).toMatchObject([told, undefined]);
  });
});
