import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventLog } from '../../src/billing/log/event-log.js';
import { DEAD_LETTERS_KEY, LOG_KEY, PROJECTOR_GROUP } from '../../src/billing/log/keys.js';
import { BillingBacklog } from '../../src/billing/projector/billing-backlog.js';
import { Projection } from '../../src/billing/projector/projection.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { AuthHouse } from './auth/house.js';
import { Caller } from './auth/caller.js';
import { append, eventsOf, fold, sorted } from './billing/object-events.js';

const TENANT = '00000000-0000-4000-8000-0000000000aa';
const WARN_ENTRIES = 50;

describeReal('A projector without SQL', () => {
  let server: PostgresServer;
  let house: AuthHouse;
  let log: EventLog;
  let caller: Caller;
  beforeAll(async () => {
    server = await startPostgres();
    house = await AuthHouse.open({
      databaseUrl: server.url(),
      env: {
        BILLING_PROJECTOR_LEASE: '2s',
        BILLING_BACKLOG_WARN: String(WARN_ENTRIES),
        BILLING_EVENTS_REDIS_COMMAND_MS: '5s',
        DATABASE_STATEMENT_MS: '1s',
        DATABASE_WAIT_MS: '500ms',
      },
    });
    log = house.first.app.get(EventLog, { strict: false });
    caller = new Caller(house.first);
  });
  afterAll(async () => {
    await house?.close();
    await server?.stop();
  });

  const readiness = async (path: string) => {
    const { status, body } = await caller.get(path);
    return { status, body };
  };

  it('loses nothing, gives nothing up, says so, and catches up', async () => {
    const backlog = house.first.app.get(BillingBacklog, { strict: false });
    const redis = house.redis('BILLING_EVENTS').admin();
    const events = eventsOf({ tenantId: TENANT, name: 'x' }, 600, 12);
    await append(log, events.slice(0, 200));
    const appending = append(log, events.slice(200, 400));
    await server.kill9();
    await appending;
    await append(log, events.slice(400));
    const told = async () => (await readiness('/readyz/billingEvents')).body['status'] === 'degraded';
    await waitFor(told, { what: 'readiness to say so', timeoutMs: 20_000 });
    expect(await readiness('/readyz/billingEvents')).toEqual({
      status: 200,
      body: {
        purpose: 'billingEvents',
        status: 'degraded',
        reason: expect.stringMatching(/^projector-(waits-for-sql|backlog)$/),
      },
    });
    await waitFor(async () => (await readiness('/readyz/sql')).status === 503, {
      what: 'SQL to be told lost',
    });
    expect(await readiness('/readyz')).toMatchObject({ status: 200, body: { status: 'degraded' } });
    await waitFor(() => backlog.depth().entries > WARN_ENTRIES, { what: 'the backlog to be seen' });
    expect(backlog.depth().oldestAgeMs).toBeGreaterThan(0);

    // One at a time by then, the same ones again and again: more often than an entry may fail.
    const deliveries = () => house.first.metric('billing_projector_deliveries_total{outcome="returned"}');
    await waitFor(async () => (await deliveries()) > 45, {
      what: 'many deliveries in vain',
      timeoutMs: 60_000,
    });
    expect(await redis.xlen(DEAD_LETTERS_KEY)).toBe(0);
    expect(await redis.xlen(LOG_KEY)).toBe(600);

    await server.start();
    await waitFor(() => backlog.depth().entries === 0, { what: 'the backlog to be gone', timeoutMs: 60_000 });
    const projection = house.first.app.get(Projection, { strict: false });
    const { truncated: _none, ...state } = await projection.stateOf(TENANT);
    expect(sorted(state)).toEqual(fold(events));
    expect(await redis.xlen(DEAD_LETTERS_KEY)).toBe(0);
    expect(await redis.xpending(LOG_KEY, PROJECTOR_GROUP)).toEqual([0, null, null, null]);
    await waitFor(async () => (await readiness('/readyz/billingEvents')).body['status'] === 'up', {
      what: 'readiness to be well again',
      timeoutMs: 20_000,
    });
  });

  it('appends go on and are applied where Redis lost everything in between', async () => {
    const redis = house.redis('BILLING_EVENTS').admin();
    const tenantId = TENANT.replace('aa', 'bb');
    const before = eventsOf({ tenantId, name: 'y' }, 100, 4);
    await append(log, before);
    await redis.flushall();
    const after = eventsOf({ tenantId, name: 'z' }, 100, 4);
    await append(log, after);
    const projection = house.first.app.get(Projection, { strict: false });
    const ids = async () => {
      const { subscriptions, invoices } = await projection.stateOf(tenantId);
      return JSON.stringify([subscriptions, invoices]);
    };
    const last = fold(after);
    const texts = [...last.subscriptions, ...last.invoices].map((one) => JSON.stringify(one));
    const there = async () => {
      const shown = await ids();
      return texts.every((text) => shown.includes(text));
    };
    await waitFor(there, { what: 'what was appended after the loss', timeoutMs: 30_000 });
    expect(await redis.xlen(LOG_KEY)).toBe(100);
    expect(await redis.xlen(DEAD_LETTERS_KEY)).toBe(0);
  });
});
