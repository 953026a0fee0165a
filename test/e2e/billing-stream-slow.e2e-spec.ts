import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { collectGarbage } from '../support/garbage.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { StreamHouse, type StreamPerson } from './billing-stream/house.js';

const EVENT_BYTES = 8000;
const READERS = 60;
const KIB = 1024;

describeReal('Clients that take nothing of what they have missed', () => {
  let house: StreamHouse;
  let ann: StreamPerson;
  const raw: Socket[] = [];

  beforeEach(async () => {
    house = await StreamHouse.open({ env: { BILLING_SSE_HEARTBEAT_MS: '500', BILLING_SSE_STALL_MS: '12s' } });
    ann = await house.person();
  });
  afterEach(async () => {
    for (const socket of raw.splice(0)) socket.destroy();
    await house.close();
  });

  /** Asks for everything from a cursor on, and never reads. */
  async function open(lastEventId: string): Promise<void> {
    const { hostname, port } = new URL(await house.origin());
    const socket = connect(Number(port), hostname);
    // Cut by the other end.
    socket.on('error', () => undefined);
    raw.push(socket);
    await once(socket, 'connect');
    socket.pause();
    const head = `Host: x\r\nAuthorization: Bearer ${ann.token}\r\nLast-Event-ID: ${lastEventId}\r\n\r\n`;
    socket.write(`GET /v1/billing/stream HTTP/1.1\r\n${head}`);
  }

  const closed = async (reason: string) => house.metric(`billing_sse_closed_total{reason="${reason}"}`);

  it('hold references to what all share, wherever they stand, and are cut off', async () => {
    await house.publish(ann.tenantId, 2000, { bytes: EVENT_BYTES });
    await house.settled();
    const entries = await house.log.tenantPage(ann.tenantId, { count: READERS });
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    // Each at a place of its own: what is encoded for one is nobody else's, unless batches end at the same events.
    await Promise.all(entries.map(({ id, tenantSequence }) => open(`${id}.${tenantSequence}`)));
    await waitFor(async () => (await house.metric('billing_sse_connections')) === READERS, {
      what: 'all streams',
      timeoutMs: 20_000,
    });
    const pending = () => house.metric('billing_sse_pending_bytes');
    await waitFor(async () => (await pending()) > READERS * 16 * KIB, {
      what: 'something pending for each',
      timeoutMs: 20_000,
    });
    // The ring itself was there before. A batch of each reader's own would be 64 KiB at least, and was half a megabyte.
    expect(await pending()).toBeLessThan(READERS * 192 * KIB);
    collectGarbage();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * KIB);
    await waitFor(async () => (await closed('stalled')) === READERS, {
      what: 'all cut off',
      timeoutMs: 30_000,
    });
    await waitFor(async () => (await pending()) === 0, { what: 'nothing pending' });
    expect(await house.metric('billing_sse_connections')).toBe(0);
  });
});
