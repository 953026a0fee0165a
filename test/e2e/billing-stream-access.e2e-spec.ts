import { eq } from 'drizzle-orm';
import { afterEach, expect, it } from 'vitest';
import { Sessions } from '../../src/access/index.js';
import type { Environment } from '../../src/config/index.js';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { memberships } from '../../src/identity/identity.tables.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { TestSource } from './billing-stream/event-source.js';
import {
  PUBLIC_URL,
  StreamHouse,
  type StreamHouseOptions,
  type StreamPerson,
  numbersOf,
} from './billing-stream/house.js';

describeReal('Who may open a stream of billing events', () => {
  let house: StreamHouse;
  let ann: StreamPerson;
  const open = async (options: StreamHouseOptions = {}) => {
    house = await StreamHouse.open(options);
    ann = await house.person();
  };
  const beats: Environment = { BILLING_SSE_HEARTBEAT_MS: '500' };
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${await house.origin()}/v1/billing/stream/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const ticketOf = async ({ token }: StreamPerson) => {
    const answer = await post('ticket', {}, { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(201);
    const { ticket, expires_in } = (await answer.json()) as { ticket: string; expires_in: number };
    expect(expires_in).toBeLessThanOrEqual(30);
    return ticket;
  };
  const redeem = (ticket: string, origin = PUBLIC_URL) => post('session', { ticket }, { origin });
  const cookieIn = (header: string | null | undefined) => header?.split(';')[0] ?? '';
  const withCookie = async (cookie: string, more: Record<string, string> = {}) =>
    TestSource.open(`${await house.origin()}/v1/billing/stream`, { headers: { cookie, ...more } });

  afterEach(() => house.close());

  it('is a browser with a cookie that it got for a ticket, which works once', async () => {
    await open();
    const ticket = await ticketOf(ann);
    expect((await redeem(ticket, 'https://evil.example.com')).status).toBe(403);
    const answer = await redeem(ticket);
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    const header = answer.headers.get('set-cookie') ?? '';
    expect(header).toMatch(/^__Secure-billing-stream=[\w-]+; Max-Age=3[56]\d\d; Path=\/v1\/billing\/stream;/);
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Strict']) expect(header).toContain(attribute);
    expect(Buffer.from(cookieIn(header), 'base64url').toString()).not.toContain(ann.userId);
    expect((await redeem(ticket)).status).toBe(400);

    const source = await withCookie(cookieIn(header));
    expect(source.status).toBe(200);
    const first = await house.publish(ann.tenantId, 3);
    await waitFor(() => source.billing.length === 3, { what: 'three events' });
    // It comes back with the cookie that the stream itself brought.
    const renewed = cookieIn(source.headers['set-cookie']?.[0]);
    expect(renewed).not.toBe(cookieIn(header));
    await source.cut();
    const second = await house.publish(ann.tenantId, 2);
    const again = await TestSource.open(source.url, {
      headers: { cookie: renewed },
      lastEventId: source.lastEventId,
    });
    await waitFor(() => again.billing.length === 2, { what: 'two events' });
    expect([...numbersOf(source), ...numbersOf(again)]).toEqual([...first, ...second]);
    await again.cut();
  });

  it('is nobody whose cookie is forged, doubled, from elsewhere, or of a session that has ended', async () => {
    await open();
    const cookie = cookieIn((await redeem(await ticketOf(ann))).headers.get('set-cookie'));
    const status = async (text: string, more?: Record<string, string>) =>
      (await withCookie(text, more)).status;
    expect(await status(`${cookie.slice(0, -3)}AAA`)).toBe(401);
    expect(await status(`${cookie}; ${cookie}`)).toBe(401);
    expect(await status('__Secure-billing-stream=x')).toBe(401);
    expect(await status(`__Secure-billing-stream=${'A'.repeat(5000)}`)).toBe(401);
    expect(await status(cookie, { origin: 'https://evil.example.com' })).toBe(403);
    expect(await status(cookie, { 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await status(cookie, { authorization: 'Bearer x' })).toBe(401);
    // It opens streams and nothing else.
    const events = await fetch(`${await house.origin()}/v1/billing/events`, { headers: { cookie } });
    expect(events.status).toBe(401);
    const ticket = await ticketOf(ann);
    await house.get(Sessions).revoke(ann.userId, ann.sessionId);
    expect(await status(cookie)).toBe(401);
    expect((await redeem(ticket)).status).toBe(401);
  });

  it('loses all streams of a session within a heartbeat when it ends, and keeps those of others', async () => {
    await open({ env: beats });
    const bob = await house.person();
    const mine = await Promise.all([house.stream(ann), house.stream(ann), house.stream(ann)]);
    const other = await house.stream(bob);
    await house.get(Sessions).revoke(ann.userId, ann.sessionId);
    await Promise.all(mine.map(({ closed }) => closed));
    for (const source of mine)
      expect(source.of('bye').map(({ data }) => data)).toEqual([{ reason: 'revoked' }]);
    const [number] = await house.publish(bob.tenantId, 1);
    await waitFor(() => numbersOf(other).join() === String(number), { what: 'an event of somebody else' });
    expect(await house.metric('billing_sse_closed_total{reason="revoked"}')).toBe(3);

    const again = await house.login(ann.userId, ann.tenantId);
    const source = await house.stream(again);
    await house.get(Sessions).revokeAll(ann.userId);
    await source.closed;
    expect(source.of('bye')[0]?.data).toEqual({ reason: 'revoked' });
  });

  it('keeps its streams while nobody can say whether the session lives, and gets no new one', async () => {
    await open({ env: { ...beats, AUTH_CACHE_REDIS_COMMAND_MS: '250' } });
    const source = await house.stream(ann);
    await house.others.freeze();
    try {
      const beatsBefore = source.comments;
      await waitFor(() => source.comments > beatsBefore + 3, { what: 'heartbeats', timeoutMs: 10_000 });
      const [number] = await house.publish(ann.tenantId, 1);
      await waitFor(() => numbersOf(source).join() === String(number), { what: 'an event' });
      const refused = await house.stream(ann);
      expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    } finally {
      house.others.thaw();
    }
    expect(source.of('bye')).toEqual([]);
  });

  it('ends when its session is young enough and its stream is not', async () => {
    await open({ env: { ...beats, BILLING_SSE_MAX_AGE_MS: '1s' } });
    const source = await house.stream(ann);
    await source.closed;
    expect(source.of('bye')[0]?.data).toEqual({ reason: 'age' });
    expect(source.retryMs).toBeGreaterThanOrEqual(1000);
    expect(await house.metric('billing_sse_closed_total{reason="age"}')).toBe(1);
  });

  it('has three streams, and a place is free when a stream has ended', async () => {
    await open({ strict: true });
    const sources = [await house.stream(ann), await house.stream(ann), await house.stream(ann)];
    expect(sources.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(sources[0]?.headers['ratelimit-policy']).toContain('"billing-user";q=3;qu="concurrent-requests"');
    const denied = await house.stream(ann);
    expect([denied.status, Number(denied.headers['retry-after']) > 0]).toEqual([429, true]);
    expect(denied.headers['content-type']).toContain('application/problem+json');
    await sources[0]?.cut();
    await waitFor(async () => (await house.stream(ann)).status === 200, { what: 'a free place' });
    expect(await house.metric('rate_limit_streams_open{quota="billing"}')).toBe(3);
  });

  it('is one of a tenant that has twenty streams among all its people', async () => {
    await open({ strict: true });
    const people = [ann, ...(await Promise.all(Array.from({ length: 6 }, () => house.person())))];
    const colleagues = await Promise.all(people.map(({ userId }) => house.login(userId, ann.tenantId)));
    // Each from where it works, since connects are counted by address as well.
    const from = (at: number) => ({ headers: { 'x-forwarded-for': `10.7.${at}.1` } });
    for (const [at, one] of colleagues.entries())
      for (let n = 0; n < (at === 6 ? 2 : 3); n += 1)
        expect((await house.stream(one, from(at))).status).toBe(200);
    expect(await house.metric('rate_limit_streams_open{quota="billing"}')).toBe(20);
    // The last one has a place of its own left, and the tenant has none.
    const denied = await house.stream(colleagues[6] as StreamPerson, from(6));
    await denied.closed;
    expect([denied.status, JSON.parse(denied.text)]).toEqual([
      429,
      expect.objectContaining({ 'violated-policies': ['billing-tenant'] }),
    ]);
  });

  it('holds its place for as long as the stream is open, beyond the life of a lease (O9)', async () => {
    const limit = { concurrent: [{ per: 'user', streams: 1 }], leaseMs: 5000 } as const;
    await open({ streamQuotas: { billing: limit } });
    await house.stream(ann);
    const key = (await house.others.admin().keys('rl:{g}:c:*'))[0] ?? '';
    const endsAt = async () => Number((await house.others.admin().zrange(key, '0', '-1', 'WITHSCORES'))[1]);
    const first = await endsAt();
    await waitFor(
      async () => Number((await house.others.admin().time())[0]) * 1000 > first && (await endsAt()) > first,
      { what: 'the lease to be renewed beyond its first life', timeoutMs: 15_000 },
    );
    expect((await house.stream(ann)).status).toBe(429);
  });

  it('finds no room beyond the greatest number of a process; with soft rejection a browser is told to come again', async () => {
    await open({ env: { BILLING_SSE_MAX_CONNECTIONS: '2' } });
    const [one] = [await house.stream(ann), await house.stream(ann)];
    const full = await house.stream(ann);
    expect([full.status, full.headers['retry-after']]).toEqual([503, '15']);
    const soft = await house.start({ BILLING_SSE_MAX_CONNECTIONS: '1', BILLING_SSE_SOFT_REJECT: 'true' });
    await house.stream(ann, { app: soft });
    const told = await house.stream(ann, { app: soft });
    await told.closed;
    expect([told.status, told.retryMs, told.of('bye')[0]?.data]).toEqual([
      200,
      15_000,
      { reason: 'unavailable' },
    ]);
    // Whoever is no browser, or nobody, is told so.
    const url = `${await house.origin(soft)}/v1/billing/stream`;
    const plain = await fetch(url, { headers: { authorization: `Bearer ${ann.token}` } });
    expect(plain.status).toBe(503);
    await one?.cut();
    await waitFor(async () => (await house.stream(ann)).status === 200, { what: 'room again' });
  });

  it('is no member any more at the next connect, with a cookie that held until then', async () => {
    await open();
    const cookie = cookieIn((await redeem(await ticketOf(ann))).headers.get('set-cookie'));
    const source = await withCookie(cookie);
    expect(source.status).toBe(200);
    await source.cut();
    // Its session lives on: what is missing is the membership alone.
    const db = house.first.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    await db.run((sql) => sql.delete(memberships).where(eq(memberships.userId, ann.userId)));
    expect((await withCookie(cookie)).status).toBe(403);
  });
});
