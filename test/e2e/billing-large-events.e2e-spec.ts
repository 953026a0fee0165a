import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventLog } from '../../src/billing/log/event-log.js';
import { Lag } from '../../src/billing/ops/lag.js';
import { Replay } from '../../src/billing/ops/replay/replay.js';
import { CustomerTenants } from '../../src/billing/webhook/customer-tenants.js';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { tenants } from '../../src/identity/identity.tables.js';
import { FAKE_KEY, type FakeEvent, FakeStripe } from '../support/fake-stripe.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Caller } from './auth/caller.js';
import { AuthHouse, OPS_TOKEN } from './auth/house.js';
import { StripeSender, freshId, invoiceEvent, nowS } from './billing/stripe-sender.js';

const SECRET = 'whsec_of_today_and_longer_than_32_bytes';

describeReal('An event that is too large to be kept whole', () => {
  let house: AuthHouse;
  let fake: FakeStripe;
  beforeAll(async () => {
    fake = await FakeStripe.start();
    const account = { STRIPE_API_BASE: fake.base, STRIPE_SECRET_KEY: FAKE_KEY, BILLING_BACKFILL_LAG_S: '0' };
    house = await AuthHouse.open({ env: { STRIPE_WEBHOOK_SECRET: SECRET, ...account } });
  });
  afterAll(async () => {
    await house?.close();
    await fake?.stop();
  });

  const get = <T>(type: abstract new (...args: never[]) => T): T =>
    house.first.app.get<T>(type as never, { strict: false });
  const kept = async (eventId: string) =>
    (await get(EventLog).page({ count: 1000 })).filter((one) => one.eventId === eventId);
  const settled = () =>
    waitFor(
      async () => {
        const { projector, dead_letters } = await get(Lag).report();
        expect(dead_letters).toBe(0);
        return projector.waiting + projector.pending === 0;
      },
      { what: 'the projector to be done', timeoutMs: 20_000 },
    );

  it('is acknowledged once Stripe delivers it, told without its object, and known when it comes again', async () => {
    const stripe = new StripeSender(house.first, SECRET);
    // Twice in what is shown: more than that may have, of a body that may come.
    const event = invoiceEvent('cus_large', { status: 'x'.repeat(300 * 1024) });
    const answers = [await stripe.deliver(event), await stripe.deliver(event)];
    expect(answers.map(({ status, body }) => [status, body['duplicate']])).toEqual([
      [200, false],
      [200, true],
    ]);
    const [entry, ...more] = await kept(String(event['id']));
    expect([entry?.objectId, more]).toEqual(['in_cus_large', []]);
    expect(JSON.parse(entry?.data ?? '')).toMatchObject({
      stripe_event_id: event['id'],
      event_type: 'invoice.paid',
      status: null,
      data_omitted: true,
    });
    // As it came: it may be looked at by whoever has the log.
    expect(await get(EventLog).raw(entry?.id ?? '')).toBe(JSON.stringify(event));
    await settled();
  });

  it('is taken by a backfill, counted as new, and given to the tenant of its customer later', async () => {
    const id = freshId();
    const object = { id: 'in_huge', object: 'invoice', customer: 'cus_huge', pad: 'é'.repeat(1024 * 1024) };
    fake.add([
      {
        id,
        object: 'event',
        type: 'invoice.paid',
        created: nowS() - 600,
        data: { object },
      } satisfies FakeEvent,
    ]);
    const operator = new Caller(house.first);
    const started = await operator.call('/v1/billing/backfill', { body: {}, token: OPS_TOKEN });
    const path = `/v1/billing/backfill/${String(started.body['id'])}`;
    const done = await waitFor(
      async () => {
        const { body } = await operator.call(path, { method: 'GET', token: OPS_TOKEN });
        return body['state'] === 'done' && body;
      },
      { what: 'the backfill to end', timeoutMs: 20_000 },
    );
    expect(done).toMatchObject({ taken: 1, refused: 0 });
    const [entry] = await kept(id);
    expect((await get(EventLog).raw(entry?.id ?? ''))?.length).toBeLessThan(1000);
    const tenantId = randomUUID();
    const sql = house.first.app.get<FeatureDatabase>(getDatabaseToken('billing'), { strict: false });
    await sql.run((db) => db.insert(tenants).values({ id: tenantId, name: tenantId, personal: false }));
    await get(CustomerTenants).assign('cus_huge', tenantId);
    const request = { selection: { eventId: id }, target: 'assign', dryRun: false } as const;
    expect((await get(Replay).run(request)).outcomes).toEqual({ told: 1 });
    const [given] = await get(EventLog).tenantPage(tenantId, { count: 10 });
    expect(JSON.parse(given?.data ?? '')).toMatchObject({
      tenant_id: tenantId,
      stripe_event_id: id,
      data_omitted: true,
    });
    await settled();
  });
});
