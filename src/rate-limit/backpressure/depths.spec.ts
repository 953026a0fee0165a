import { describe, expect, it } from 'vitest';
import { InFlight, consumerLag } from './depths.js';

const groups = (...answer: unknown[]) => ({ xinfo: () => Promise.resolve(answer) });
const flat = (name: string, pending: number, lag: number | null) => [
  'name',
  name,
  'consumers',
  1,
  'pending',
  pending,
  'last-delivered-id',
  '1-0',
  'entries-read',
  1,
  'lag',
  lag,
];

describe('consumerLag', () => {
  it('is what the group was not given yet and what it has not acknowledged', async () => {
    const client = groups(flat('other', 100, 100), flat('projector', 3, 40));
    expect(await consumerLag(client, 'billing:events', 'projector')()).toBe(43);
  });

  it('reads what another protocol answers', async () => {
    expect(await consumerLag(groups({ name: 'projector', pending: 3, lag: 40 }), 'k', 'projector')()).toBe(
      43,
    );
  });

  it('is unknown where Redis does not know it, or there is no such group', async () => {
    expect(await consumerLag(groups(flat('projector', 3, null)), 'k', 'projector')()).toBeNaN();
    expect(await consumerLag(groups(flat('other', 3, 4)), 'k', 'projector')()).toBeNaN();
    expect(await consumerLag({ xinfo: () => Promise.resolve(null) }, 'k', 'projector')()).toBeNaN();
  });
});

describe('InFlight', () => {
  it('counts what has begun and not ended, whichever way it ends', async () => {
    const work = new InFlight();
    const fails = work.run(() => Promise.reject(new Error('no')));
    let end = (_value: string): void => undefined;
    const lasts = work.run(() => new Promise<string>((resolve) => (end = resolve)));
    expect(work.depth()).toBe(2);
    await expect(fails).rejects.toThrow('no');
    expect(work.depth()).toBe(1);
    end('done');
    expect(await lasts).toBe('done');
    expect(work.depth()).toBe(0);
  });
});
