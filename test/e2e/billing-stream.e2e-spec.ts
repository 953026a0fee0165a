import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tenantKey } from '../../src/billing/log/keys.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { StreamHouse, type StreamPerson, numbersOf } from './billing-stream/house.js';

describeReal('The stream of billing events', () => {
  let house: StreamHouse;
  let ann: StreamPerson;
  let bob: StreamPerson;

  beforeAll(async () => {
    house = await StreamHouse.open({ env: { BILLING_SSE_HEARTBEAT_MS: '500' } });
    ann = await house.person();
    bob = await house.person();
  });
  afterAll(() => house.close());

  const bearer = ({ token }: StreamPerson) => ({ authorization: `Bearer ${token}` });
  const ask = async (path: string, headers: Record<string, string>, method = 'GET') =>
    fetch(`${await house.origin()}/v1/billing/${path}`, { method, headers });

  it('gives a cursor in its first bytes, then every event once and in order', async () => {
    const source = await house.stream(ann);
    expect(source.status).toBe(200);
    expect(source.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(source.headers['content-encoding']).toBeUndefined();
    await waitFor(() => source.lastEventId !== '', { what: 'a cursor' });
    expect(source.retryMs).toBeGreaterThanOrEqual(1000);
    expect(source.retryMs).toBeLessThanOrEqual(5000);
    const numbers = await house.publish(ann.tenantId, 20);
    await waitFor(() => source.billing.length >= 20, { what: 'twenty events' });
    expect(numbersOf(source)).toEqual(numbers);
    expect(source.billing.at(-1)?.id).toMatch(/^\d+-\d+\.20$/);
  });

  it('lets through the types that a client asks for, and moves its cursor past the others', async () => {
    const source = await house.stream(ann, { query: '?types=customer.*,invoice.void*' });
    await house.publish(ann.tenantId, 3);
    const [wanted] = await house.publish(ann.tenantId, 1, { type: 'customer.subscription.updated' });
    await house.publish(ann.tenantId, 2);
    await waitFor(() => source.billing.length === 1, { what: 'one event' });
    expect(numbersOf(source)).toEqual([wanted]);
    const newest = (await house.log.tenantPosition(ann.tenantId)).newest;
    await waitFor(() => source.lastEventId.endsWith(`.${newest?.sequence}`), { what: 'the cursor to move' });
  });

  it('says heartbeats as comments, or as events to whoever asks', async () => {
    const quiet = await house.stream(ann);
    const audible = await house.stream(ann, { query: '?hb=event' });
    await waitFor(() => quiet.comments > 0 && audible.of('heartbeat').length > 0, { what: 'heartbeats' });
    expect([quiet.of('heartbeat').length, audible.comments]).toEqual([0, 0]);
  });

  it('holds three connections to Redis, however many streams are open (O2)', async () => {
    const sources = await Promise.all(Array.from({ length: 50 }, () => house.stream(bob)));
    const numbers = await house.publish(bob.tenantId, 3);
    await waitFor(() => sources.every((source) => source.billing.length === 3), { what: 'events for all' });
    expect(sources.every((source) => numbersOf(source).join() === numbers.join())).toBe(true);
    const list = String(await house.billing.admin().client('LIST'));
    expect(list.split('\n').filter((line) => line.includes('name=bulkhead:'))).toHaveLength(3);
    await Promise.all(sources.map((source) => source.cut()));
  });

  it('tells nobody of another tenant, whatever cursor is shown', async () => {
    const people = [ann, bob, await house.person()];
    const own = new Map<StreamPerson, number[]>();
    const cursors: string[] = [];
    for (const person of people) {
      const source = await house.stream(person);
      own.set(person, await house.publish(person.tenantId, 4));
      await waitFor(() => source.billing.length === 4, { what: 'four events' });
      cursors.push(source.billing[1]?.id as string);
    }
    // What somebody else put into a tenant's stream is not that tenant's.
    const [, other] = await house.billing.admin().xrange(tenantKey(bob.tenantId), '-', '+');
    await house.billing.admin().xadd(tenantKey(ann.tenantId), '*', ...(other?.[1] ?? []));
    for (const reader of people) {
      for (const cursor of [...cursors, '0-0.0', '1-1.1']) {
        for (const app of [house.first, await aFreshInstance()]) {
          const source = await house.stream(reader, { app, lastEventId: cursor });
          const [marker = 0] = await house.publish(reader.tenantId, 1);
          own.get(reader)?.push(marker);
          await waitFor(() => numbersOf(source).includes(marker), { what: 'the marker' });
          expect(source.billing.every(({ data }) => data.tenant_id === reader.tenantId)).toBe(true);
          await source.cut();
        }
      }
    }
  });

  let fresh: Awaited<ReturnType<StreamHouse['start']>> | undefined;
  const aFreshInstance = async () => (fresh ??= await house.start());

  it.each([
    '-1',
    '1'.repeat(30),
    `${'9'.repeat(21)}-0.1`,
    '18446744073709551616-0.1',
    '1-1',
    '1-1.-1',
    '1-1.99999999999999999',
    "1-1.1'; FLUSHALL",
    '+',
    '$',
    '0-0.0, 0-0.0',
  ])('takes %j for no cursor: 400 for a program, an event for a browser', async (cursor) => {
    const query = `stream?last_event_id=${encodeURIComponent(cursor)}`;
    for (const answer of [
      await ask(query, bearer(ann)),
      await ask('stream', { ...bearer(ann), 'last-event-id': cursor }),
      await ask(`events?after=${encodeURIComponent(cursor)}`, bearer(ann)),
    ]) {
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        400,
        'application/problem+json; charset=utf-8',
      ]);
      expect(await answer.json()).toMatchObject({ type: '/problems/invalid-cursor' });
    }
    const source = await house.stream(ann, { lastEventId: cursor });
    await waitFor(() => source.of('gap').length > 0, { what: 'a gap' });
    expect(source.of('gap')[0]?.data).toEqual({ reason: 'invalid' });
    await waitFor(() => /^\d+-\d+\.\d+$/.test(source.lastEventId), { what: 'a cursor of ours' });
  });

  it('refuses line breaks in a cursor, two headers and strange queries without a fault', async () => {
    for (const query of [
      'last_event_id=1-1.1%0d%0aid:%20x',
      'last_event_id=0-0.0&last_event_id=0-0.0',
      'last_event_id[a]=1',
      'types=..%2f',
      `types=${'a,'.repeat(50)}a`,
      'types=a&types=b',
      'hb=x',
      'unknown=1',
    ]) {
      const answer = await ask(`stream?${query}`, bearer(ann));
      expect([query, answer.status]).toEqual([query, query.startsWith('last_event_id=') ? 400 : 422]);
      await answer.text();
    }
    const twice = await rawly(
      `GET /v1/billing/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ann.token}\r\n` +
        'Last-Event-ID: 0-0.0\r\nLast-Event-ID: 0-0.0\r\n\r\n',
      '\r\n\r\n',
    );
    expect(twice).toContain('HTTP/1.1 400');
  });

  it('serves HTTP/1.0 without chunks, answers HEAD at once, and waits its turn on a pipeline', async () => {
    const auth = `Authorization: Bearer ${ann.token}\r\n`;
    const old = rawly(`GET /v1/billing/stream HTTP/1.0\r\n${auth}\r\n`, '"pad"');
    const piped = rawly(
      `GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/billing/stream HTTP/1.1\r\nHost: x\r\n${auth}\r\n`,
      '"pad"',
    );
    // Until both are there, whenever that is.
    const publishing = setInterval(() => void house.publish(ann.tenantId, 1, { bytes: 1 }), 50);
    try {
      const [text, second] = [await old, await piped];
      expect(text).toMatch(/^HTTP\/1\.[01] 200/);
      expect(text).not.toMatch(/transfer-encoding/i);
      expect(text.split('\r\n\r\n')[1]).toMatch(/^retry: \d+\n\nid: \d+-\d+\.\d+\n\n(?::\n\n)*id: /);
      expect(second).toMatch(/^HTTP\/1\.1 200[^]*HTTP\/1\.1 200/);
      expect(second).toMatch(/transfer-encoding: chunked/i);
    } finally {
      clearInterval(publishing);
    }
    const head = await ask('stream', bearer(ann), 'HEAD');
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      '',
    ]);
  });

  /** Everything that comes until it holds `until`. */
  async function rawly(request: string, until: string): Promise<string> {
    const { hostname, port } = new URL(await house.origin());
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    let text = '';
    socket.setEncoding('utf8').on('data', (data: string) => (text += data));
    socket.write(request);
    try {
      await waitFor(() => text.includes(until), { what: `${until} in ${text}`, timeoutMs: 10_000 });
      return text;
    } finally {
      socket.destroy();
    }
  }

  it('pages through the history in both directions', async () => {
    const cat = await house.person();
    const numbers = await house.publish(cat.tenantId, 7);
    interface Page {
      events: { cursor: string; type: string; data: { n: number } }[];
      next_cursor: string | null;
      missed?: number | null;
    }
    const page = async (query: string) => (await (await ask(`events?${query}`, bearer(cat))).json()) as Page;
    const newest = await page('limit=3');
    expect(newest.events.map(({ data }) => data.n)).toEqual(numbers.slice(-3).reverse());
    const older = await page(`limit=3&before=${newest.next_cursor}`);
    expect(older.events.map(({ data }) => data.n)).toEqual(numbers.slice(1, 4).reverse());
    const oldest = await page(`limit=3&before=${older.next_cursor}`);
    expect([oldest.events.map(({ data }) => data.n), oldest.next_cursor]).toEqual([[numbers[0]], null]);
    const up = await page(`limit=4&after=${oldest.events[0]?.cursor}`);
    expect(up.events.map(({ data }) => data.n)).toEqual(numbers.slice(1, 5));
    // Nobody knows what is missing behind a place where nothing was: from the newest event on it goes on.
    const real = newest.events[0]!.cursor;
    const nowhere = { events: [], next_cursor: real, missed: null };
    expect(await page('after=99999999999999-0.5')).toEqual(nowhere);
    expect(await page(`after=${real}`)).toEqual({ events: [], next_cursor: null });
    await house.billing.admin().xtrim(tenantKey(cat.tenantId), 'MAXLEN', 2);
    expect((await page(`after=${oldest.events[0]?.cursor}`)).missed).toBe(4);
    // All of it gone: how many, and a place behind which whatever comes is told.
    await house.billing.admin().xtrim(tenantKey(cat.tenantId), 'MAXLEN', 0);
    const gone = await page(`after=${oldest.events[0]?.cursor}`);
    expect(gone).toEqual({ events: [], next_cursor: expect.any(String), missed: 6 });
    expect(await page(`after=${gone.next_cursor}`)).toEqual({ events: [], next_cursor: null });
    const back = await page('after=99999999999999-0.5');
    expect(back).toEqual({ events: [], next_cursor: expect.stringMatching(/\.7$/), missed: null });
    expect(await page(`after=${back.next_cursor}`)).toEqual({ events: [], next_cursor: null });
    const later = await house.publish(cat.tenantId, 1);
    const told = await page(`after=${gone.next_cursor}`);
    expect([told.events.map(({ data }) => data.n), told.missed]).toEqual([later, undefined]);
    expect((await ask('events?after=0-0.0&before=0-0.0', bearer(cat))).status).toBe(422);
    expect((await ask('events', {})).status).toBe(401);
  });
});
