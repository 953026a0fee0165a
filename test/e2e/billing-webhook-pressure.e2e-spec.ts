import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { AuthHouse } from './auth/house.js';
import { Person } from './auth/person.js';
import { StripeSender, invoiceEvent } from './billing/stripe-sender.js';

const SECRET = 'whsec_of_the_tests_longer_than_32_bytes';
const MOST = 20;
const PATIENT_MS = 60_000;

describeReal('The webhook of Stripe while the projector is behind', () => {
  let house: AuthHouse;
  let stripe: StripeSender;
  let postgres: PostgresServer;
  let tenantId: string;
  beforeAll(async () => {
    postgres = await startPostgres();
    house = await AuthHouse.open({
      databaseUrl: postgres.url(),
      env: { STRIPE_WEBHOOK_SECRET: SECRET, BILLING_BACKLOG_MAX: String(MOST) },
    });
    stripe = new StripeSender(house.first, SECRET);
    tenantId = (await (await Person.verified(house)).login()).tenantId;
  });
  afterAll(async () => {
    await house.close();
    await postgres.stop();
  });

  // The customer is known by then, so that SQL is the need of the projector alone.
  const deliver = () => stripe.deliver(invoiceEvent('cus_busy', { metadata: { tenant_id: tenantId } }));

  it('turns deliveries away until it has caught up', async () => {
    expect((await deliver()).status).toBe(200);
    await postgres.kill9();
    const refused = await waitFor(
      async () => {
        const answer = await deliver();
        return answer.status === 200 ? undefined : answer;
      },
      { what: 'a delivery to be turned away', timeoutMs: PATIENT_MS, intervalMs: 50 },
    );
    expect([refused.status, refused.body.type]).toEqual([503, '/problems/temporary-reduced-capacity']);
    expect(refused.headers['retry-after']).toBe('30');
    expect(await house.first.metric('backlog_depth{backlog="billing-projector"}')).toBeGreaterThan(1);
    expect(await house.first.metric('billing_webhook_total')).toBeGreaterThan(MOST);

    await postgres.start();
    await waitFor(async () => (await deliver()).status === 200, {
      what: 'deliveries to be taken again',
      timeoutMs: PATIENT_MS,
      intervalMs: 250,
    });
  }, 150_000);
});
