import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEAD_LETTERS_KEY, LOG_KEY, PROJECTOR_GROUP } from '../../src/billing/log/keys.js';
import { EventLog } from '../../src/billing/log/event-log.js';
import { BillingBacklog } from '../../src/billing/projector/billing-backlog.js';
import { Projection } from '../../src/billing/projector/projection.js';
import { describeReal } from '../support/redis-availability.js';
import { seededRandom } from '../support/seeded-random.js';
import { waitFor } from '../support/wait-for.js';
import { AuthHouse } from './auth/house.js';
import { Person } from './auth/person.js';
import { append, eventsOf, fold, objectEvent, shuffled, sorted } from './billing/object-events.js';

const LEASE = { BILLING_PROJECTOR_LEASE: '5s', BILLING_EVENTS_REDIS_COMMAND_MS: '5s' };

interface Owner {
  readonly person: Person;
  readonly access: string;
  readonly tenantId: string;
}

describeReal('The projector, from the log to the snapshot of a tenant', () => {
  let house: AuthHouse;
  let log: EventLog;
  let redis: Redis;
  beforeAll(async () => {
    house = await AuthHouse.open({ env: LEASE });
    log = house.first.app.get(EventLog, { strict: false });
    redis = house.redis('BILLING_EVENTS').admin();
  });
  afterAll(() => house.close());

  async function owner(): Promise<Owner> {
    const person = await Person.verified(house);
    const { access, tenantId } = await person.login();
    return { person, access, tenantId };
  }

  const snapshotOf = async ({ person, access }: Owner, query = '') => {
    const answer = await person.get(`/v1/billing/snapshot${query}`, access);
    expect(answer.status).toBe(200);
    return answer.body as { state: Record<string, unknown[]>; cursor: string };
  };
  const stateOf = async (who: Owner) => sorted((await snapshotOf(who)).state as never);

  /** Everything was given to the projector and settled, by the word of Redis. */
  const settled = () =>
    waitFor(
      async () => {
        const groups = (await redis.xinfo('GROUPS', LOG_KEY)) as unknown[][];
        const facts = groups.map(
          (group) =>
            Object.fromEntries(
              group.flatMap((name, at) => (at % 2 === 0 ? [[String(name), group[at + 1]]] : [])),
            ) as Record<string, unknown>,
        );
        const projector = facts.find(({ name }) => name === PROJECTOR_GROUP);
        return projector?.['lag'] === 0 && projector['pending'] === 0;
      },
      { what: 'the projector to be done', timeoutMs: 25_000 },
    );

  it('500 events of 20 objects in any order leave the same state as in their own order', async () => {
    const [one, other] = [await owner(), await owner()];
    const events = eventsOf({ tenantId: one.tenantId, name: 'a' }, 500, 20);
    await append(log, shuffled(events, seededRandom(7)));
    await append(log, eventsOf({ tenantId: other.tenantId, name: 'b' }, 500, 20));
    await settled();
    const expected = fold(events);
    expect(expected.subscriptions).toHaveLength(10);
    expect(expected.invoices).toContainEqual({ invoice_id: 'in_a1', status: 's24', n: 24 });
    expect(await stateOf(one)).toEqual(expected);
    const renamed = JSON.parse(JSON.stringify(await stateOf(other)).replaceAll('_b', '_a')) as unknown;
    expect(renamed).toEqual(expected);
  });

  it('events of one second are all applied, the last of the log holds, and a late one changes nothing', async () => {
    const who = await owner();
    const source = { tenantId: who.tenantId, name: 'tie' };
    const at = (n: number, createdS: number) => objectEvent(source, 0, n, createdS);
    const events = [at(1, 500), at(2, 500), at(3, 500), at(4, 499)];
    await append(log, events);
    await settled();
    expect((await stateOf(who)).subscriptions).toMatchObject([{ n: 3 }]);
    expect(await stateOf(who)).toEqual(fold(events));
  });

  it('the same entry again changes nothing, nor does an old event that is told once more', async () => {
    const who = await owner();
    const source = { tenantId: who.tenantId, name: 'again' };
    const events = [
      objectEvent(source, 1, 1, 500),
      objectEvent(source, 1, 2, 500),
      objectEvent(source, 1, 3, 501),
    ];
    await append(log, events);
    await settled();
    const before = await stateOf(who);
    const projection = house.first.app.get(Projection, { strict: false });
    const entries = await log.tenantPage(who.tenantId, { count: 10 });
    const again = [...entries, ...entries].map((entry) => projection.apply(entry));
    expect(new Set(await Promise.all(again))).toEqual(new Set(['older']));
    for (const event of events) await log.append({ ...event, replayed: true });
    await settled();
    expect(await stateOf(who)).toEqual(before);
  });

  it('an event that finds its tenant later is kept then, in the order of its object', async () => {
    const who = await owner();
    const events = [1, 2, 3].map((n) => objectEvent({ tenantId: '_unassigned', name: 'lost' }, 0, n, 500));
    for (const event of events) await log.append(event);
    await settled();
    expect((await stateOf(who)).subscriptions).toEqual([]);
    for (const event of events) await log.append({ ...event, tenantId: who.tenantId, replayed: true });
    await settled();
    expect((await stateOf(who)).subscriptions).toMatchObject([{ n: 3 }]);
  });

  it('what is no entry of ours goes to the dead letters at once, and nothing waits for it', async () => {
    const who = await owner();
    await redis.xadd(LOG_KEY, '*', 'what', 'ever');
    await redis.xadd(LOG_KEY, '*', 't', who.tenantId, 'y', 'invoice.paid');
    await append(log, [objectEvent({ tenantId: who.tenantId, name: 'f' }, 0, 1)]);
    await settled();
    expect((await stateOf(who)).subscriptions).toHaveLength(1);
    const letters = await redis.xrange(DEAD_LETTERS_KEY, '-', '+');
    expect(letters.map(([, fields]) => [fields[5], fields[7]])).toEqual([
      ['foreign', '1'],
      ['foreign', '1'],
    ]);
    await redis.del(DEAD_LETTERS_KEY);
  });

  it('an event that SQL refuses is delivered five times and goes to the dead letters; the others go on', async () => {
    const who = await owner();
    const source = { tenantId: who.tenantId, name: 'p' };
    const poison = objectEvent(source, 0, 1);
    const objectId = 'sub_\u0000';
    const data = JSON.stringify({ subscription: { subscription_id: objectId } });
    await log.append({ ...poison, objectId, data });
    await append(log, eventsOf(source, 40, 4).slice(4));
    const others = fold(eventsOf(source, 40, 4));
    const quick = () =>
      waitFor(async () => (await stateOf(who)).invoices.length === 2, { what: 'the others' });
    await quick();
    await settled();
    expect(await stateOf(who)).toEqual(others);
    const [letter] = await redis.xrange(DEAD_LETTERS_KEY, '-', '+');
    expect(letter?.[1].slice(2, 8)).toEqual([
      'group',
      PROJECTOR_GROUP,
      'reason',
      'sql-22021',
      'deliveries',
      '5',
    ]);
    await waitFor(async () => (await house.first.metric('billing_dlq_length')) === 1, { what: 'the gauge' });
    await redis.del(DEAD_LETTERS_KEY);
  });

  describe('the snapshot', () => {
    it('has everything up to its cursor, at any moment while events arrive', async () => {
      const who = await owner();
      const events = eventsOf({ tenantId: who.tenantId, name: 'c' }, 400, 4);
      const appending = append(log, events);
      const seen: { cursor: string; state: Record<string, unknown[]> }[] = [];
      for (let look = 0; look < 12; look += 1) seen.push(await snapshotOf(who));
      await appending;
      await settled();
      const entries = await log.tenantPage(who.tenantId, { count: 400 });
      expect(entries).toHaveLength(400);
      for (const { cursor, state } of [...seen, await snapshotOf(who)]) {
        const sequence = Number(cursor.split('.')[1]);
        for (const object of fold(events.slice(0, sequence)).subscriptions as {
          subscription_id: string;
          n: number;
        }[]) {
          const shown = state['subscriptions']?.find(
            (one) => Reflect.get(Object(one), 'subscription_id') === object.subscription_id,
          );
          expect(Reflect.get(Object(shown), 'n')).toBeGreaterThanOrEqual(object.n);
        }
      }
      expect((await snapshotOf(who)).cursor).toBe(`${entries.at(-1)?.id}.400`);
    });

    it('is empty with a cursor for a tenant of whom nothing was ever told', async () => {
      const { state, cursor } = await snapshotOf(await owner());
      expect(state).toEqual({ subscriptions: [], invoices: [], usage: [], truncated: false });
      expect(cursor).toMatch(/^\d+-\d+\.0$/);
    });

    it('is of the tenant of the token, whatever the request says, and of nobody without one', async () => {
      const [one, other] = [await owner(), await owner()];
      await append(log, [objectEvent({ tenantId: other.tenantId, name: 'o' }, 0, 1)]);
      await settled();
      const query = `?tenant_id=${other.tenantId}&tenantId=${other.tenantId}`;
      expect((await snapshotOf(one, query)).state['subscriptions']).toEqual([]);
      expect((await one.person.get('/v1/billing/snapshot')).status).toBe(401);
      const unverified = await Person.registered(house);
      const { access } = await unverified.login();
      expect((await unverified.get('/v1/billing/snapshot', access)).status).toBe(403);
    });
  });

  it('says how far it is behind, in the metrics', async () => {
    await settled();
    const backlog = house.first.app.get(BillingBacklog, { strict: false });
    await waitFor(() => backlog.depth().entries === 0, { what: 'an empty backlog' });
    const length = await redis.xlen(LOG_KEY);
    await waitFor(async () => (await house.first.metric('billing_stream_length')) === length, {
      what: 'the length of the log',
    });
    expect(await house.first.metric('billing_projector_lag')).toBe(0);
    expect(await house.first.metric('billing_projector_pending')).toBe(0);
    expect(await house.first.metric('billing_projector_deliveries_total{outcome="sent"}')).toBeGreaterThan(
      1000,
    );
  });
});
