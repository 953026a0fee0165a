import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventLog } from '../../src/billing/log/event-log.js';
import { describeReal } from '../support/redis-availability.js';
import { Caller } from './auth/caller.js';
import { AuthHouse, OPS_TOKEN } from './auth/house.js';
import { Person } from './auth/person.js';
import { StripeSender, type StripeFields, invoiceEvent, realEvents } from './billing/stripe-sender.js';

const SECRET = 'whsec_of_the_tests_longer_than_32_bytes';
const NOBODY = '_unassigned';
const NO_TENANT = '00000000-0000-4000-8000-000000000000';

describeReal('Whose an event of Stripe is', () => {
  let house: AuthHouse;
  let stripe: StripeSender;
  let one: string;
  let two: string;
  beforeAll(async () => {
    house = await AuthHouse.open({ env: { STRIPE_WEBHOOK_SECRET: SECRET } });
    stripe = new StripeSender(house.first, SECRET);
    const tenantOf = async () => (await (await Person.verified(house)).login()).tenantId;
    [one, two] = [await tenantOf(), await tenantOf()];
  });
  afterAll(() => house.close());

  /** Delivers it, and looks at what was kept. */
  async function ownerOf(event: StripeFields, sender = stripe): Promise<string | undefined> {
    expect((await sender.deliver(event)).status).toBe(200);
    const entry = await house.first.app.get(EventLog, { strict: false }).find(String(event['id']));
    const data = JSON.parse(entry?.data ?? '{}') as { tenant_id?: string };
    expect(data.tenant_id).toBe(entry?.tenantId);
    return entry?.tenantId;
  }
  const named = (tenantId: string) => ({ metadata: { tenant_id: tenantId } });
  const ops = (method: string, customer: string, body?: unknown, token: string | undefined = OPS_TOKEN) =>
    new Caller(house.first).call(`/v1/billing/customers/${customer}`, { method, body, token });

  it('is nobody’s where nobody has said; it is kept and counted', async () => {
    const counted = () => house.first.metric('billing_ingest_total{origin="webhook",result="unassigned"}');
    const before = await counted();
    for (const event of [
      invoiceEvent('cus_nobody'),
      invoiceEvent('cus_nobody', named(NO_TENANT)),
      invoiceEvent('cus_nobody', named("'; drop table tenants; --")),
      invoiceEvent('cus_nobody', { metadata: { tenant_id: { $ne: null } } }),
      { ...invoiceEvent('cus_nobody'), data: null },
    ])
      expect(await ownerOf(event)).toBe(NOBODY);
    expect(await counted()).toBe(before + 5);
    expect((await ops('GET', 'cus_nobody')).status).toBe(404);
  });

  it('is what the first event of a customer says, also for those that say nothing', async () => {
    expect(await ownerOf(invoiceEvent('cus_learns'))).toBe(NOBODY);
    expect(await ownerOf(invoiceEvent('cus_learns', named(one.toUpperCase())))).toBe(one);
    expect(await ownerOf(invoiceEvent('cus_learns'))).toBe(one);
    expect((await ops('GET', 'cus_learns')).body).toMatchObject({
      customer_id: 'cus_learns',
      tenant_id: one,
    });
  });

  it('is no longer what an event says once it is known', async () => {
    expect(await ownerOf(invoiceEvent('cus_moves', named(one)))).toBe(one);
    expect(await ownerOf(invoiceEvent('cus_moves', named(two)))).toBe(one);
    // Another instance, which has met nobody yet.
    const fresh = new StripeSender(await house.start(), SECRET);
    expect(await ownerOf(invoiceEvent('cus_moves', named(two)), fresh)).toBe(one);
  });

  it('is one tenant’s, however many events claim the customer at the same time', async () => {
    const events = Array.from({ length: 40 }, (_, at) => invoiceEvent('cus_race', named(at % 2 ? one : two)));
    const owners = await Promise.all(events.map((event) => ownerOf(event)));
    expect(new Set(owners).size).toBe(1);
    expect([one, two]).toContain(owners[0]);
  });

  it('is told by a checkout session that our own server opened, and not by a payment link', async () => {
    const session = (customer: string, payment_link: string | null): StripeFields => ({
      ...invoiceEvent(customer),
      type: 'checkout.session.completed',
      data: {
        object: { id: 'cs_1', object: 'checkout.session', customer, client_reference_id: one, payment_link },
      },
    });
    expect(await ownerOf(session('cus_link', 'plink_1'))).toBe(NOBODY);
    expect(await ownerOf(session('cus_session', null))).toBe(one);
    expect(await ownerOf(invoiceEvent('cus_session'))).toBe(one);
  });

  it('is told by what names a tenant and no customer, which nothing is kept of', async () => {
    const event = {
      ...invoiceEvent(''),
      data: { object: { id: 'price_1', object: 'price', ...named(two) } },
    };
    expect(await ownerOf(event)).toBe(two);
  });

  it('is what an operator says, from the next event on', async () => {
    expect(await ownerOf(invoiceEvent('cus_ops'))).toBe(NOBODY);
    const answer = await ops('PUT', 'cus_ops', { tenant_id: one });
    expect([answer.status, answer.body]).toMatchObject([200, { customer_id: 'cus_ops', tenant_id: one }]);
    expect(await ownerOf(invoiceEvent('cus_ops', named(two)))).toBe(one);
    expect((await ops('PUT', 'cus_ops', { tenant_id: two.toUpperCase() })).body.tenant_id).toBe(two);
    expect(await ownerOf(invoiceEvent('cus_ops'))).toBe(two);
  });

  it.each<[string, readonly [string, string, unknown?], number]>([
    ['no tenant', ['PUT', 'cus_ops', { tenant_id: NO_TENANT }], 404],
    ['what is no UUID', ['PUT', 'cus_ops', { tenant_id: 'acme' }], 422],
    ['nothing', ['PUT', 'cus_ops', {}], 422],
    ['more than a tenant', ['PUT', 'cus_ops', { tenant_id: NO_TENANT, role: 'owner' }], 422],
    ['a customer that cannot be', ['PUT', 'cus%20ops', { tenant_id: NO_TENANT }], 400],
    ['a customer with a NUL', ['GET', 'cus%00'], 400],
    ['a customer nobody knows', ['GET', 'cus_unheard_of'], 404],
  ])('cannot be set to, or asked of, %s', async (_what, call, status) => {
    const answer = await ops(...call);
    expect([answer.status, answer.problem]).toEqual([status, expect.any(String)]);
  });

  it('is for operators to see and to change', async () => {
    for (const method of ['GET', 'PUT'])
      expect((await ops(method, 'cus_ops', undefined, 'no-operator')).status).toBe(401);
  });

  it('is one tenant’s for all events of a real customer', async () => {
    const events = realEvents().filter((event) => JSON.stringify(event).includes('cus_J7Mkgr8mvbl1eK'));
    const invoice = events.find(({ type }) => type === 'invoice.finalized');
    expect(events.length).toBeGreaterThan(5);
    await ops('PUT', 'cus_J7Mkgr8mvbl1eK', { tenant_id: one });
    expect(await ownerOf(invoice as StripeFields)).toBe(one);
    for (const event of events.filter((event) => event !== invoice)) expect(await ownerOf(event)).toBe(one);
  });
});
