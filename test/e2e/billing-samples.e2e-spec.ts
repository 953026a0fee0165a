import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDemoFeed } from '../../src/app.demo-feed.js';
import { EventLog } from '../../src/billing/log/event-log.js';
import { CustomerTenants } from '../../src/billing/webhook/customer-tenants.js';
import { runCli } from '../../src/cli/run.js';
import { EXIT } from '../../src/kernel/errors.js';
import { freePort } from '../support/free-port.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Caller } from './auth/caller.js';
import { AuthHouse } from './auth/house.js';
import { Person } from './auth/person.js';

const SECRET = 'whsec_of_the_tests_longer_than_32_bytes';

/** Runs a command line as the program does, and gives what it printed. */
async function cli(words: string, environment: Readonly<Record<string, string>>) {
  const printed = { out: '', err: '' };
  const context = {
    version: '0',
    output: {
      out: (text: string) => void (printed.out += `${text}\n`),
      err: (text: string) => void (printed.err += `${text}\n`),
    },
    environment,
    application: async () => (await import('../../src/app.environment.js')).application,
  };
  return { code: await runCli(words.split(' '), context), ...printed };
}

describeReal('Samples of Stripe’s events', () => {
  let house: AuthHouse;
  let tenantId: string;
  let url: string;
  beforeAll(async () => {
    house = await AuthHouse.open({ env: { STRIPE_WEBHOOK_SECRET: `${SECRET},another-one` } });
    tenantId = (await (await Person.verified(house)).login()).tenantId;
    url = house.first.origin;
  });
  afterAll(() => house.close());

  const types = async (tenant: string) =>
    (await house.first.app.get(EventLog, { strict: false }).tenantPage(tenant, { count: 100 })).map(
      ({ type }) => type,
    );

  describe('billing send', () => {
    const environment = { STRIPE_WEBHOOK_SECRET: SECRET };

    it('signs one and posts it, to a tenant by its id or to a customer by name', async () => {
      const byId = await cli(`billing send --tenant ${tenantId} --url ${url}/`, environment);
      expect(byId).toMatchObject({ code: EXIT.ok, err: '' });
      expect(byId.out).toMatch(/^Taken in: invoice\.paid evt_sample_\w+ of cus_/);
      await house.first.app.get(CustomerTenants, { strict: false }).assign('cus_acme', tenantId);
      const words = `billing send --type customer.subscription.updated --tenant acme --url ${url}`;
      expect(await cli(words, environment)).toMatchObject({ code: EXIT.ok });
      expect(await types(tenantId)).toEqual(['invoice.paid', 'customer.subscription.updated']);
    });

    it('says what to do where the application has another secret, and tells neither', async () => {
      const { code, out, err } = await cli(`billing send --tenant acme --url ${url}`, {
        STRIPE_WEBHOOK_SECRET: 'whsec_of_somebody_else',
      });
      expect([code, out]).toEqual([EXIT.config, '']);
      expect(err).toMatch(/answered 400.*start both with the same one/s);
      expect(err).not.toMatch(/whsec/);
    });

    it('says that nobody is there', async () => {
      const nowhere = `http://127.0.0.1:${await freePort()}`;
      const { code, err } = await cli(`billing send --tenant acme --url ${nowhere}`, environment);
      expect([code, err]).toEqual([EXIT.unavailable, expect.stringMatching(/ECONNREFUSED.*--url/)]);
    });

    it('asks for the secret where there is none', async () => {
      const { code, err } = await cli(`billing send --tenant acme --url ${url}`, {
        STRIPE_WEBHOOK_SECRET_FILE: '/nonexistent/secret',
      });
      expect([code, err]).toEqual([EXIT.config, expect.stringMatching(/STRIPE_WEBHOOK_SECRET_FILE/)]);
    });

    it.each([
      ['--type invoice.eaten --tenant acme', /--type must be one of .*invoice\.paid/],
      ['--tenant a/b', /--tenant must be/],
      ['--tenant acme --url ftp://x', /--url must be/],
      ['--tenant acme --url http://a:b@localhost', /--url must hold no user/],
      ['', /--tenant/],
    ])('refuses %j with the usage', async (options, message) => {
      const { code, err } = await cli(`billing send ${options}`.trim(), environment);
      expect([code, err]).toEqual([EXIT.usage, expect.stringMatching(message)]);
    });
  });

  it('come in one a second in a demo, for an account that can log in', async () => {
    const demo = await startDemoFeed(house.first.app, url);
    try {
      const { email, password } = demo ?? {};
      const login = await new Caller(house.first).post('/v1/auth/token', { email, password });
      expect(login.status).toBe(200);
      const told = await waitFor(
        async () => {
          const seen = await types(String(login.body.tenant_id));
          return seen.length >= 4 ? seen : undefined;
        },
        { what: 'four events', timeoutMs: 20_000 },
      );
      expect(told.slice(0, 4)).toEqual([
        'customer.created',
        'customer.subscription.created',
        'invoice.created',
        'invoice.finalized',
      ]);
    } finally {
      demo?.feed.stop();
    }
    // A second demo on the same database has the account already, and does not know its password.
    const again = await startDemoFeed(house.first.app, url);
    again?.feed.stop();
    expect(again).toMatchObject({ email: 'demo@example.com', password: undefined });
  });
});
