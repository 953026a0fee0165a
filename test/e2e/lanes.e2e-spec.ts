import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisAbortedError, RedisIsolationError } from '../../src/redis/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

describeReal('The lanes of billingEvents', () => {
  let server: RedisServer;
  let core: Compartments;
  beforeAll(async () => {
    server = await startRedisServer({ appendonly: true });
    core = await openCompartments(['billingEvents'], { REDIS_URL: server.url() });
  });
  afterAll(async () => {
    await core.close();
    await server.stop();
  });

  const read = (key: string, blockMs: number) =>
    core.blocking('billingEvents').xread('BLOCK', blockMs, 'STREAMS', key, '$');

  it('let commands pass while a read blocks', async () => {
    const reading = read('billing:{b}:quiet', 1500);
    const started = performance.now();
    for (let n = 0; n < 50; n += 1) await core.client('billingEvents').set('billing:{b}:n', String(n));
    expect(performance.now() - started).toBeLessThan(1000);
    await expect(reading).resolves.toBeNull();
  });

  it('wake a blocked read as soon as an entry is there', async () => {
    const reading = read('billing:{b}:log', 5000);
    await waitFor(
      () =>
        core.status
          .of('billingEvents')
          .lanes.some(({ lane, inFlight }) => lane === 'blocking' && inFlight === 1),
      {
        what: 'the read to be on its way',
      },
    );
    await core.client('billingEvents').xadd('billing:{b}:log', '*', 'type', 'invoice.paid');
    const started = performance.now();
    expect((await reading)?.[0]?.[0]).toBe('billing:{b}:log');
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('give an aborted read back at once and are usable again afterwards', async () => {
    const blocking = core.blocking('billingEvents');
    const controller = new AbortController();
    const reading = blocking.cancellable(controller.signal, () => read('billing:{b}:quiet', 5000));
    await waitFor(() => core.status.of('billingEvents').lanes.some(({ inFlight }) => inFlight === 1), {
      what: 'the read',
    });
    const started = performance.now();
    controller.abort();
    await expect(reading).rejects.toBeInstanceOf(RedisAbortedError);
    expect(performance.now() - started).toBeLessThan(500);
    const connected = () => core.status.of('billingEvents').lanes.every((lane) => lane.connected);
    expect(core.status.of('billingEvents').state).toBe('up');
    await waitFor(connected, { what: 'the lane to be back' });
    await expect(read('billing:{b}:quiet', 10)).resolves.toBeNull();
  });

  it('do not start a read whose signal has been aborted already', async () => {
    const cancelled = core
      .blocking('billingEvents')
      .cancellable(AbortSignal.abort(), () => read('billing:{b}:quiet', 5000));
    await expect(cancelled).rejects.toBeInstanceOf(RedisAbortedError);
  });

  it('refuse a blocking read on the command lane, an endless one, and a second one', async () => {
    const command = core.client('billingEvents');
    const onCommand = command.call('XREAD', 'BLOCK', '100', 'STREAMS', 'billing:{b}:log', '$');
    await expect(onCommand).rejects.toThrow(/use the blocking lane/);
    await expect(read('billing:{b}:log', 0)).rejects.toThrow(/BLOCK from 1 to 5000/);
    const first = read('billing:{b}:quiet', 300);
    await expect(read('billing:{b}:quiet', 300)).rejects.toBeInstanceOf(RedisIsolationError);
    await first;
  });

  it('read large answers on the bulk lane without delaying commands', async () => {
    const command = core.client('billingEvents');
    const bulk = core.lane('billingEvents', 'bulk');
    const filler = 'x'.repeat(400);
    const pipeline = command.pipeline();
    for (let n = 0; n < 5000; n += 1) pipeline.xadd('billing:{b}:big', '*', 'data', filler);
    await pipeline.exec();
    let slowest = 0;
    const reading = Promise.all(
      Array.from({ length: 5 }, () => bulk.xrange('billing:{b}:big', '-', '+', 'COUNT', 200)),
    );
    for (let n = 0; n < 50; n += 1) {
      const started = performance.now();
      await command.get('billing:{b}:n');
      slowest = Math.max(slowest, performance.now() - started);
    }
    expect((await reading).every((page) => page.length === 200)).toBe(true);
    expect(slowest).toBeLessThan(1000);
  });

  it('are three connections, and none after closing', async () => {
    const names = async () =>
      String(await server.admin().call('CLIENT', 'LIST')).match(/name=bulkhead:\S+/g) ?? [];
    expect(await names()).toHaveLength(3);
    await core.close();
    expect(await names()).toHaveLength(0);
  });
});
