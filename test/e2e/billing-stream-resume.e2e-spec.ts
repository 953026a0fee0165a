import { afterAll, beforeAll, expect, it } from 'vitest';
import { tenantKey } from '../../src/billing/log/keys.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import type { TestSource } from './billing-stream/event-source.js';
import { StreamHouse, type StreamPerson, numbersOf } from './billing-stream/house.js';

const arrive = (source: TestSource, count: number) =>
  waitFor(() => source.billing.length >= count, { what: `${count} events`, timeoutMs: 20_000 });

describeReal('A stream of billing events that is resumed', () => {
  let house: StreamHouse;
  beforeAll(async () => void (house = await StreamHouse.open()));
  afterAll(() => house.close());

  const connected = async (person: StreamPerson, options: Parameters<StreamHouse['stream']>[1] = {}) => {
    const source = await house.stream(person, options);
    await waitFor(() => source.lastEventId !== '', { what: 'a cursor' });
    return source;
  };

  it('tells nothing twice to whoever comes back, and nothing old to whoever is new (O1)', async () => {
    const ann = await house.person();
    const source = await connected(ann);
    const first = await house.publish(ann.tenantId, 10);
    await arrive(source, 10);
    await source.cut();
    await source.connect();
    const second = await house.publish(ann.tenantId, 5);
    await arrive(source, 15);
    expect(numbersOf(source)).toEqual([...first, ...second]);
    const fresh = await connected(ann);
    expect(fresh.lastEventId).toBe(source.lastEventId);
    expect(fresh.billing).toEqual([]);
  });

  it('goes on at another instance, in the ring of one that was there and from Redis at one that was not', async () => {
    const ann = await house.person();
    const source = await connected(ann);
    const second = await house.start();
    const numbers = await house.publish(ann.tenantId, 40);
    await arrive(source, 40);
    const early = (source.billing[9]?.id ?? '') as string;
    const third = await house.start();
    for (const [app, series] of [
      [second, 'billing_sse_resume_total{source="ring",result="exact"}'],
      [third, 'billing_sse_resume_total{source="redis",result="exact"}'],
    ] as const) {
      await house.settled(app);
      const resumed = await house.stream(ann, { app, lastEventId: early });
      await arrive(resumed, numbers.length - 10);
      numbers.push(...(await house.publish(ann.tenantId, 3)));
      await arrive(resumed, numbers.length - 10);
      expect(numbersOf(resumed)).toEqual(numbers.slice(10));
      expect(resumed.of('gap')).toEqual([]);
      expect(await house.metric(series, app)).toBe(1);
      await resumed.cut();
    }
  });

  it('pages through what its ring has lost', async () => {
    const ann = await house.person();
    const app = await house.start({ BILLING_RING_EVENTS: '16' });
    const source = await connected(ann, { app });
    const cursor = source.lastEventId;
    const numbers = await house.publish(ann.tenantId, 1300);
    await house.settled(app);
    await arrive(source, 1300);
    expect(numbersOf(source)).toEqual(numbers);
    const late = await house.stream(ann, { app, lastEventId: cursor });
    await arrive(late, 1300);
    expect(numbersOf(late)).toEqual(numbers);
    expect([...source.of('gap'), ...late.of('gap')]).toEqual([]);
  });

  it('says exactly how many events were trimmed (O8)', async () => {
    const ann = await house.person();
    const source = await connected(ann);
    const numbers = await house.publish(ann.tenantId, 30);
    await arrive(source, 30);
    const tenth = source.billing[9]?.id as string;
    await house.billing.admin().xtrim(tenantKey(ann.tenantId), 'MAXLEN', 8);
    const app = await house.start();
    const late = await house.stream(ann, { app, lastEventId: tenth });
    await arrive(late, 8);
    expect(late.of('gap').map(({ id, data }) => ({ id, data }))).toEqual([
      {
        id: undefined,
        data: { reason: 'trimmed', from: tenth, oldest: late.billing[0]?.id, missed: 12 },
      },
    ]);
    expect(late.events[0]?.type).toBe('gap');
    expect(numbersOf(late)).toEqual(numbers.slice(22));

    // All of it gone, and the numbers go on.
    await house.billing.admin().xtrim(tenantKey(ann.tenantId), 'MAXLEN', 0);
    const last = await house.start();
    const empty = await house.stream(ann, { app: last, lastEventId: tenth });
    await waitFor(() => empty.of('gap').length > 0, { what: 'a gap' });
    expect(empty.of('gap')[0]?.data).toEqual({ reason: 'trimmed', from: tenth, oldest: null, missed: 20 });
    const next = await house.publish(ann.tenantId, 1);
    await arrive(empty, 1);
    expect(numbersOf(empty)).toEqual(next);
    expect(empty.of('gap')).toHaveLength(1);
  });

  it('tells a client whose cursor nobody has reached after five seconds, and goes on', async () => {
    const ann = await house.person();
    const source = await house.stream(ann, { lastEventId: '99999999999999-0.4' });
    await waitFor(() => source.of('gap').length > 0, { what: 'a gap', timeoutMs: 10_000 });
    expect(source.of('gap')[0]?.data).toEqual({ reason: 'unknown' });
    await waitFor(() => source.lastEventId === '0-0.0', { what: 'a cursor of its own' });
    const numbers = await house.publish(ann.tenantId, 2);
    await arrive(source, 2);
    expect(numbersOf(source)).toEqual(numbers);
  });

  it('loses and doubles nothing for 200 clients that are cut twice while events come', async () => {
    const ann = await house.person();
    const other = house.apps[1] ?? house.first;
    const sources = await Promise.all(
      Array.from({ length: 200 }, (_, at) => connected(ann, { app: at % 2 ? other : house.first })),
    );
    const origins = [await house.first.getUrl(), await other.getUrl()];
    let publishing = true;
    const numbers: number[] = [];
    const publisher = (async () => {
      while (publishing) numbers.push(...(await house.publish(ann.tenantId, 5)));
    })();
    for (let round = 1; round <= 2; round += 1) {
      const before = numbers.length;
      await waitFor(() => numbers.length > before + 100, { what: 'events', timeoutMs: 20_000 });
      await Promise.all(
        sources.map(async (source, at) => {
          await source.cut();
          // To the other instance, which may be ahead or behind.
          source.url = source.url.replace(/^http:\/\/[^/]+/, origins[(at + round) % 2] as string);
          await source.connect();
        }),
      );
    }
    publishing = false;
    await publisher;
    for (const source of sources) await arrive(source, numbers.length);
    expect(numbers.length).toBeGreaterThan(200);
    const wrong = sources.filter((source) => numbersOf(source).join() !== numbers.join());
    expect(wrong.length).toBe(0);
    expect(sources.reduce((sum, { connects }) => sum + connects, 0)).toBe(600);
    expect(sources.flatMap((source) => source.of('gap'))).toEqual([]);
  });
});
