import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../ops.errors.js';
import type { EventList, ListedEvent } from './event-list.js';
import { PageFeed } from './page-feed.js';

type List = Pick<EventList, 'oldest' | 'after'>;

const at = (created: number): ListedEvent => ({ id: `evt_${created}`, created });

/** Pages of one event each, up to the last moment; what was asked for, and what was made ready, in that order. */
function feedOf(list: Partial<List>, lastS = 3) {
  const steps: string[] = [];
  const aborter = new AbortController();
  const whole: List = {
    oldest: ({ fromS }) => {
      steps.push(`oldest from ${fromS}`);
      return Promise.resolve(at(fromS));
    },
    after: ({ created }) => {
      steps.push(`after ${created}`);
      return Promise.resolve({ events: [at(created + 1)], hasMore: created + 1 < lastS });
    },
    ...list,
  };
  const preparation = {
    ready: async (page: readonly ListedEvent[]) => {
      steps.push(`ready ${page.map(({ created }) => created).join()}`);
      return Promise.resolve({ events: [], duplicates: 0, refusedIds: [], last: page.at(-1) as ListedEvent });
    },
  };
  const range = () => ({ fromS: 1, toS: lastS });
  return { steps, feed: new PageFeed({ list: whole, preparation, range, signal: aborter.signal }), aborter };
}

describe('The pages of a backfill', () => {
  it('come oldest first, and each is asked for before the one before it is made ready', async () => {
    const { steps, feed } = feedOf({});
    const places: unknown[] = [];
    for (let page = await feed.next(); page; page = await feed.next()) places.push(page.last.created);
    expect(places).toEqual([1, 2, 3]);
    expect(steps).toEqual(['oldest from 1', 'after 1', 'ready 1', 'after 2', 'ready 2', 'ready 3']);
    expect(await feed.next()).toBeUndefined();
  });

  it('are not fetched further ahead than one', async () => {
    const { steps, feed } = feedOf({});
    await feed.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(steps).toEqual(['oldest from 1', 'after 1', 'ready 1']);
  });

  it('go on from the oldest of its time where Stripe has forgotten the event that they stood at', async () => {
    const { steps, feed } = feedOf({ after: () => Promise.resolve(undefined) });
    await feed.next();
    expect((await feed.next())?.last.created).toBe(1);
    expect(steps.slice(0, 3)).toEqual(['oldest from 1', 'ready 1', 'oldest from 1']);
  });

  it('end with the failure of a page when that page is asked for, and not before', async () => {
    const broken = new Error('Stripe refuses');
    const { feed } = feedOf({ after: () => Promise.reject(broken) });
    expect((await feed.next())?.last.created).toBe(1);
    // Nobody has asked for it yet: an unhandled rejection would fail this file.
    await new Promise((resolve) => setImmediate(resolve));
    await expect(feed.next()).rejects.toBe(broken);
  });

  it('are let go of where nobody wants them any more: what is on its way ends', async () => {
    const ended: unknown[] = [];
    const { feed } = feedOf({
      after: (_known, _range, signal) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            ended.push('aborted');
            reject(new InterruptedError());
          }),
        ),
    });
    await feed.next();
    await feed.close();
    expect(ended).toEqual(['aborted']);
  });
});
