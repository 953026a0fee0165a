import { afterAll, beforeAll, expect, it } from 'vitest';
import { FAKE_KEY, FakeStripe, fakeEvents } from '../support/fake-stripe.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { AuthHouse, OPS_TOKEN } from './auth/house.js';

describeReal('billing for operators over HTTP', () => {
  let house: AuthHouse;
  let stripe: FakeStripe;
  beforeAll(async () => {
    stripe = await FakeStripe.start();
    stripe.add(fakeEvents({ count: 220, startS: Math.floor(Date.now() / 1000) - 3600 }));
    house = await AuthHouse.open({
      env: { STRIPE_API_BASE: stripe.base, STRIPE_SECRET_KEY: FAKE_KEY, BILLING_BACKFILL_LAG_S: '0' },
    });
  });
  afterAll(async () => {
    await house.close();
    await stripe.stop();
  });

  const ask = async (method: string, path: string, body?: unknown, token = OPS_TOKEN) => {
    const response = await fetch(`${house.first.origin}/v1/billing/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('fetches in the background, shows how far it is, and refuses a second one', async () => {
    stripe.trouble({ kind: 'slow', ms: 500 });
    const started = await ask('POST', 'backfill', {});
    expect(started).toMatchObject({ status: 202, body: { state: 'running', progress: 0 } });
    expect(await ask('POST', 'backfill', {})).toMatchObject({
      status: 409,
      body: { owner: started.body['owner'] },
    });
    const shown = await waitFor(
      async () => {
        const { body } = await ask('GET', `backfill/${String(started.body['id'])}`);
        return body['state'] === 'done' && body;
      },
      { what: 'the backfill to end', timeoutMs: 20_000, intervalMs: 250 },
    );
    expect(shown).toMatchObject({ progress: 1, taken: 220, duplicates: 0, refused: 0 });
    expect((await ask('GET', 'backfill/nobody')).status).toBe(404);
    const { body } = await ask('GET', 'lag');
    expect(body).toMatchObject({ log: { entries: 220 }, backfill: { last: { state: 'done' } } });
  });

  it('counts before it replays, and says where to go on', async () => {
    const selection = { type: 'invoice.*', target: 'stream', id: 'over-http' };
    const counted = await ask('POST', 'replay', selection);
    expect(counted).toMatchObject({
      status: 200,
      body: { dry_run: true, matched: 110, outcomes: { told: 110 }, next: null },
    });
    const done = await ask('POST', 'replay', { ...selection, dry_run: false });
    expect(done.body).toEqual({ ...counted.body, dry_run: false });
    expect((await ask('POST', 'replay', { ...selection, dry_run: false })).body).toMatchObject({
      outcomes: { 'told-before': 110 },
    });
    expect(await ask('GET', 'dlq')).toMatchObject({
      status: 200,
      body: { dead_letters: [], total: 0, next: null },
    });
    expect(await ask('POST', 'dlq', { all: true, action: 'discard' })).toMatchObject({
      body: { outcomes: {} },
    });
  });

  it.each([
    ['POST', 'replay', {}],
    ['POST', 'replay', { target: 'stream' }],
    ['POST', 'replay', { target: 'stream', type: 'a b' }],
    ['POST', 'replay', { target: 'stream', event_id: 'evt_1\r\nXADD' }],
    ['POST', 'replay', { target: 'stream', tenant: 'ACME' }],
    ['POST', 'replay', { target: 'stream', type: '*', after: '99999999999999999999999-0' }],
    ['POST', 'replay', { target: 'stream', type: '*', id: 'a:b' }],
    ['POST', 'replay', { target: 'stream', type: '*', id: 'assign' }],
    ['POST', 'replay', { target: 'assign', tenant: '8e2b0d6e-58b1-4b43-8a3c-0d2f0e6f0a11' }],
    ['POST', 'replay', { target: 'tenant-stream' }],
    ['POST', 'replay', { target: 'stream', from: '2026-11-20', to: '2026-11-19' }],
    ['POST', 'backfill', { from: 'yesterday' }],
    ['POST', 'backfill', { from: '1999-01-01', to: '1999-01-02' }],
    ['POST', 'dlq', { action: 'discard' }],
    ['POST', 'dlq', { action: 'discard', all: true, ids: ['1-1'] }],
    ['POST', 'dlq', { action: 'replay', ids: ['-'] }],
    ['GET', 'dlq?after=%2B', undefined],
    ['GET', 'dlq?limit=0', undefined],
  ])('refuses %s %s %j', async (method, path, body) => {
    expect((await ask(method, path, body)).status).toBe(422);
  });

  it.each([
    ['POST', 'backfill'],
    ['GET', 'backfill/x'],
    ['POST', 'replay'],
    ['GET', 'dlq'],
    ['POST', 'dlq'],
    ['GET', 'lag'],
  ])('lets nobody else in: %s %s', async (method, path) => {
    const body = method === 'POST' ? {} : undefined;
    expect((await ask(method, path, body, 'somebody')).status).toBe(401);
  });

  it('names a replay that an outage stops, and where to go on', async () => {
    const selection = { type: 'invoice.*', target: 'stream', dry_run: false, after: '5-0' };
    await house.redis('BILLING_EVENTS').kill9();
    try {
      const stopped = await ask('POST', 'replay', selection);
      expect(stopped).toMatchObject({
        status: 503,
        body: { type: '/problems/compartment-unavailable', purpose: 'billingEvents', next: '5-0' },
      });
      expect(stopped.body['detail']).toContain(`with the id ${String(stopped.body['id'])} to go on`);
      expect((await ask('POST', 'replay', { ...selection, id: 'mine' })).body['id']).toBe('mine');
      // What only counts has nothing to go on with.
      const counting = await ask('POST', 'replay', { ...selection, dry_run: true });
      expect([counting.status, counting.body['id']]).toEqual([503, undefined]);
    } finally {
      await house.redis('BILLING_EVENTS').start();
    }
  });
});
