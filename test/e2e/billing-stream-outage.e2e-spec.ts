import { afterAll, beforeAll, expect, it } from 'vitest';
import { LOG_KEY } from '../../src/billing/log/keys.js';
import { LogReader } from '../../src/billing/stream/log-reader.js';
import { describeReal } from '../support/redis-availability.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { StreamHouse, type StreamPerson, numbersOf } from './billing-stream/house.js';

const PATIENT = { timeoutMs: 20_000 };

describeReal('The stream of billing events and an outage', () => {
  let house: StreamHouse;
  let proxy: TcpProxy;
  let ann: StreamPerson;

  beforeAll(async () => {
    house = await StreamHouse.open({ env: { BILLING_SSE_HEARTBEAT_MS: '500' } });
    proxy = await startTcpProxy({ targetPort: house.billing.port });
    ann = await house.person();
  });
  afterAll(async () => {
    await proxy.pass();
    await house.close();
    await proxy.stop();
  });

  it('keeps open streams alive, lets no new one in, and tells everything afterwards, once and in order', async () => {
    const app = await house.start({ BILLING_EVENTS_REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    const source = await house.stream(ann, { app });
    const before = await house.publish(ann.tenantId, 10);
    await waitFor(() => source.billing.length === 10, { what: 'ten events' });

    await proxy.refuse();
    // Other instances go on: what happens is not lost, only late here.
    const during = await house.publish(ann.tenantId, 3000);
    await waitFor(() => house.get(LogReader, app).state === 'away', { what: 'the outage to be seen' });
    const refused = await house.stream(ann, { app });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    expect(refused.headers['content-type']).toContain('application/problem+json');
    const beats = source.comments;
    await waitFor(() => source.comments > beats, { what: 'a heartbeat in the outage', ...PATIENT });
    expect(source.billing).toHaveLength(10);
    expect(await house.metric('billing_reader_lag_seconds', app)).toBeGreaterThan(0);

    await proxy.pass();
    await waitFor(() => source.billing.length >= 3010, { what: 'all events', ...PATIENT });
    const after = await house.publish(ann.tenantId, 5);
    await waitFor(() => source.billing.length >= 3015, { what: 'five more', ...PATIENT });
    expect(numbersOf(source)).toEqual([...before, ...during, ...after]);
    expect([source.of('gap'), source.connects]).toEqual([[], 1]);
    // The lanes come back one by one.
    await waitFor(async () => (await house.stream(ann, { app })).status === 200, { what: 'a new stream' });
  });

  it('goes on when the server is killed and back with its append-only file', async () => {
    const source = await house.stream(ann);
    const before = await house.publish(ann.tenantId, 20);
    await waitFor(() => source.billing.length === 20, { what: 'twenty events' });
    await house.billing.kill9();
    await waitFor(() => house.get(LogReader).state === 'away', { what: 'the outage to be seen' });
    await house.billing.start();
    const after = await waitFor(() => house.publish(ann.tenantId, 20), { what: 'to publish', ...PATIENT });
    await waitFor(() => source.billing.length >= 40, { what: 'all events', ...PATIENT });
    expect(numbersOf(source)).toEqual([...before, ...after]);
    expect([source.of('gap'), source.connects]).toEqual([[], 1]);
  });

  it('survives foreign entries and an id far in the future', async () => {
    const source = await house.stream(ann);
    const admin = house.billing.admin();
    await admin.xadd(LOG_KEY, '*', 'who', 'knows');
    await admin.xadd(LOG_KEY, '99999999999990-0', 't', ann.tenantId, 'd', '{"secret":1}');
    const numbers = await house.publish(ann.tenantId, 3);
    await waitFor(() => source.billing.length >= 3, { what: 'three events' });
    expect(numbersOf(source)).toEqual(numbers);
    await source.cut();
    const more = await house.publish(ann.tenantId, 3);
    await source.connect();
    await waitFor(() => source.billing.length >= 6, { what: 'three more events' });
    expect(numbersOf(source)).toEqual([...numbers, ...more]);
  });

  it('tells that the log began anew when somebody deletes everything', async () => {
    const source = await house.stream(ann);
    await waitFor(() => source.lastEventId !== '', { what: 'a cursor' });
    const known = source.lastEventId;
    await house.billing.admin().flushall();
    // The reader looks where the log ends when nothing came for five seconds; or sees that the numbers begin anew.
    await waitFor(() => source.of('gap').length > 0, { what: 'a gap', ...PATIENT });
    expect(source.of('gap')[0]?.data).toEqual({ reason: 'reset' });
    const numbers = await house.publish(ann.tenantId, 2);
    await waitFor(() => source.billing.length >= 2, { what: 'two events' });
    expect(numbersOf(source)).toEqual(numbers);
    expect(source.of('gap')).toHaveLength(1);
    const late = await house.stream(ann, { lastEventId: known });
    await waitFor(() => late.of('gap').length > 0, { what: 'a gap', ...PATIENT });
    expect(late.of('gap')[0]?.data).toEqual({ reason: 'unknown' });
  });
});
