import { AuthHouse, OPS_TOKEN, PUBLIC_URL } from '../../../e2e/auth/house.js';
import { type Answer, Caller, textOf } from '../../../e2e/auth/caller.js';
import { Person } from '../../../e2e/auth/person.js';
import { TestSource } from '../../../e2e/billing-stream/event-source.js';
import { StripeSender, invoiceEvent } from '../../../e2e/billing/stripe-sender.js';
import { FAKE_KEY, FakeStripe } from '../../../support/fake-stripe.js';
import { type PostgresServer, startPostgres } from '../../../support/postgres.js';
import { waitFor } from '../../../support/wait-for.js';

const SECRET = 'whsec_of_the_tests_longer_than_32_bytes';
const CUSTOMER = 'cus_known';
const CUSTOMERS = `/v1/billing/customers/${CUSTOMER}`;

/** What an endpoint said, as far as the table is about it. */
export type Said = Pick<Answer, 'status' | 'problem'> & { readonly retryAfter: number };

/** One way to use an endpoint of billing. */
export interface BillingVisit {
  /** As docs/ARCHITECTURE.md has it. */
  readonly endpoint: string;
  /** Makes all that the request needs, while nothing is wrong. */
  prepare(scene: BillingScene): Promise<() => Promise<Said>>;
}

interface Parts {
  readonly house: AuthHouse;
  readonly postgres: PostgresServer;
  readonly stripe: FakeStripe;
  readonly person: Person;
  readonly sender: StripeSender;
  readonly tenantId: string;
}

/** The whole application, each compartment on a server of its own, and somebody who is billed. */
export class BillingScene {
  /** Access token of the person. */
  access = '';

  private constructor(readonly parts: Parts) {}

  static async open(): Promise<BillingScene> {
    const [postgres, stripe] = [await startPostgres(), await FakeStripe.start()];
    const house = await AuthHouse.open({
      separate: true,
      databaseUrl: postgres.url(),
      env: {
        BILLING_EVENTS_REDIS_COMMAND_MS: '5s',
        STRIPE_WEBHOOK_SECRET: SECRET,
        STRIPE_API_BASE: stripe.base,
        STRIPE_SECRET_KEY: FAKE_KEY,
      },
    });
    const person = await Person.verified(house);
    const { tenantId } = await person.login();
    const sender = new StripeSender(house.first, SECRET);
    const taken = await sender.deliver(invoiceEvent(CUSTOMER, { metadata: { tenant_id: tenantId } }));
    if (taken.status !== 200) throw new Error(`webhook: ${taken.status} ${taken.text}`);
    return new BillingScene({ house, postgres, stripe, person, sender, tenantId });
  }

  /** Somebody at an address that no limit has seen. */
  get caller(): Caller {
    return new Caller(this.parts.house.first);
  }

  /** Every compartment is up, and the person has a session: a server that was killed has forgotten the last one. */
  async sound(): Promise<void> {
    const isUp = async () => (await this.caller.get('/readyz')).body.status === 'ok';
    await waitFor(isUp, { what: 'every compartment to be up', timeoutMs: 20_000, intervalMs: 25 });
    this.access = (await this.parts.person.login()).access;
  }

  async operate(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.caller.call(path, { method, token: OPS_TOKEN, ...(body !== undefined && { body }) });
  }

  /** @returns its id */
  async backfilled(): Promise<string> {
    const id = textOf(await this.operate('POST', '/v1/billing/backfill', {}), 'id');
    const isDone = async () =>
      (await this.operate('GET', `/v1/billing/backfill/${id}`)).body.state === 'done';
    await waitFor(isDone, { what: 'a backfill to end', timeoutMs: 20_000, intervalMs: 50 });
    return id;
  }

  async close(): Promise<void> {
    const { house, postgres, stripe } = this.parts;
    await house.close();
    await Promise.all([postgres.stop(), stripe.stop()]);
  }
}

function said({ status, problem, headers }: Answer): Said {
  return { status, problem, retryAfter: Number(headers.get('retry-after')) };
}

function read(path: string): BillingVisit {
  return {
    endpoint: `GET ${path}`,
    prepare: ({ caller, access }) => Promise.resolve(async () => said(await caller.get(path, access))),
  };
}

function operate(endpoint: string, body?: unknown, path?: string): BillingVisit {
  const [method = '', written = ''] = endpoint.split(' ');
  return {
    endpoint,
    prepare: (scene) => Promise.resolve(async () => said(await scene.operate(method, path ?? written, body))),
  };
}

export const BILLING_VISITS: readonly BillingVisit[] = [
  {
    endpoint: 'POST /v1/webhooks/stripe',
    prepare: ({ parts }) => {
      const event = invoiceEvent(CUSTOMER);
      return Promise.resolve(async () => {
        const { status, body, headers } = await parts.sender.deliver(event);
        const problem = typeof body.type === 'string' ? body.type.split('/').at(-1) : undefined;
        return { status, problem, retryAfter: Number(headers['retry-after']) };
      });
    },
  },
  {
    endpoint: 'GET /v1/billing/stream',
    prepare: ({ caller, access, parts }) =>
      Promise.resolve(async () => {
        const headers = { authorization: `Bearer ${access}`, 'x-forwarded-for': caller.address };
        const source = await TestSource.open(`${parts.house.first.origin}/v1/billing/stream`, { headers });
        if (source.status === 200) await source.cut();
        else await source.closed;
        const { type } = JSON.parse(source.text || '{}') as { type?: string };
        const retryAfter = Number(source.headers['retry-after']);
        return { status: source.status, problem: type?.split('/').at(-1), retryAfter };
      }),
  },
  {
    endpoint: 'POST /v1/billing/stream/ticket',
    prepare: ({ caller, access }) =>
      Promise.resolve(async () => said(await caller.post('/v1/billing/stream/ticket', undefined, access))),
  },
  {
    endpoint: 'POST /v1/billing/stream/session',
    prepare: async ({ caller, access }) => {
      const ticket = textOf(await caller.post('/v1/billing/stream/ticket', undefined, access), 'ticket');
      const headers = { origin: PUBLIC_URL };
      return async () => said(await caller.call('/v1/billing/stream/session', { body: { ticket }, headers }));
    },
  },
  read('/v1/billing/events'),
  read('/v1/billing/snapshot'),
  operate('GET /v1/billing/customers/{customer}', undefined, CUSTOMERS),
  {
    endpoint: 'PUT /v1/billing/customers/{customer}',
    prepare: (scene) =>
      Promise.resolve(async () =>
        said(await scene.operate('PUT', CUSTOMERS, { tenant_id: scene.parts.tenantId })),
      ),
  },
  operate('POST /v1/billing/replay', { target: 'stream', type: '*' }),
  {
    endpoint: 'GET /v1/billing/backfill/{id}',
    prepare: async (scene) => {
      const id = await scene.backfilled();
      return async () => said(await scene.operate('GET', `/v1/billing/backfill/${id}`));
    },
  },
  operate('GET /v1/billing/dlq'),
  operate('POST /v1/billing/dlq', { action: 'replay', all: true }),
  operate('GET /v1/billing/lag'),
  operate('POST /v1/billing/backfill', {}),
];
