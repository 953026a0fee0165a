import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { StreamHouse, numbersOf } from './billing-stream/house.js';

describeReal('Streams of billing events that end from here', () => {
  let house: StreamHouse;
  const raw: Socket[] = [];

  afterEach(async () => {
    for (const socket of raw.splice(0)) socket.destroy();
    await house.close();
  });

  it('cuts off a client that takes nothing, and nobody else notices', async () => {
    house = await StreamHouse.open({ env: { BILLING_SSE_HEARTBEAT_MS: '500', BILLING_SSE_STALL_MS: '2s' } });
    const ann = await house.person();
    const others = await Promise.all(Array.from({ length: 5 }, () => house.stream(ann)));
    const { hostname, port } = new URL(await house.origin());
    for (let n = 0; n < 3; n += 1) {
      // Each is cut off in the end.
      const slow = connect(Number(port), hostname).on('error', () => undefined);
      raw.push(slow);
      await once(slow, 'connect');
      slow.pause();
      slow.write(`GET /v1/billing/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ann.token}\r\n\r\n`);
    }
    await waitFor(async () => (await house.metric('billing_sse_connections')) === 8, {
      what: 'eight streams',
    });
    // More than the buffers of the kernel take.
    const numbers = await house.publish(ann.tenantId, 3000, { bytes: 8000 });
    const dropped = async () =>
      (await house.metric('billing_sse_closed_total{reason="slow"}')) +
      (await house.metric('billing_sse_closed_total{reason="stalled"}'));
    await waitFor(async () => (await dropped()) === 3, { what: 'three to be cut off', timeoutMs: 30_000 });
    await waitFor(() => others.every(({ billing }) => billing.length === 3000), {
      what: 'all events for the others',
      timeoutMs: 30_000,
    });
    expect(others.every((source) => numbersOf(source).join() === numbers.join())).toBe(true);
    expect(others.flatMap((source) => source.of('gap'))).toEqual([]);
    expect(await house.metric('billing_sse_connections')).toBe(5);
    await waitFor(async () => (await house.metric('billing_sse_pending_bytes')) === 0, {
      what: 'nothing pending',
    });
  });

  it('ends all streams within a window at shutdown, with a word about when to come again', async () => {
    house = await StreamHouse.open();
    const ann = await house.person();
    const app = await house.start({ BILLING_SSE_DRAIN_MS: '2s' });
    const sources = await Promise.all(Array.from({ length: 40 }, () => house.stream(ann, { app })));
    const endedMs: number[] = [];
    const startMs = performance.now();
    for (const source of sources) void source.closed.then(() => endedMs.push(performance.now() - startMs));
    const closing = app.close();
    house.apps.splice(house.apps.indexOf(app), 1);
    const refused = await house.stream(ann, { app });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    // What happens meanwhile reaches those that are still there.
    await house.publish(ann.tenantId, 1);
    await closing;
    await waitFor(() => endedMs.length === 40, { what: 'all to end' });
    expect(sources.map((source) => source.of('bye')[0]?.data)).toEqual(
      sources.map(() => ({ reason: 'drain' })),
    );
    expect(sources.some(({ billing }) => billing.length === 1)).toBe(true);
    const retries = sources.map(({ retryMs = 0 }) => retryMs);
    expect(new Set(retries).size).toBeGreaterThan(10);
    expect(Math.min(...retries)).toBeGreaterThanOrEqual(1000);
    // Spread: forty at one moment of two seconds would be a storm.
    expect(Math.max(...endedMs) - Math.min(...endedMs)).toBeGreaterThan(500);

    for (const source of sources) source.url = source.url.replace(/^http:\/\/[^/]+/, house.firstOrigin);
    await Promise.all(sources.map((source) => source.connect()));
    const [number] = await house.publish(ann.tenantId, 1);
    await waitFor(() => sources.every((source) => numbersOf(source).includes(number ?? -1)), {
      what: 'an event for all that came back',
    });
    expect(sources.every(({ billing }) => billing.length === 2)).toBe(true);
    await Promise.all(sources.map((source) => source.cut()));
  });
});
