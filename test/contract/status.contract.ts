import { eq, sql as text } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/kernel/redact.js';
import type { DeliveryWorker } from '../../src/status/deliveries/delivery-worker.js';
import { Incidents } from '../../src/status/incidents/incidents.js';
import { SealedTargets } from '../../src/status/sealed-targets.js';
import { StatusSettings } from '../../src/status/status.config.js';
import {
  type Severity,
  incidents,
  statusDeliveries,
  statusSubscriptions,
} from '../../src/status/status.tables.js';
import { SubscriptionStore } from '../../src/status/subscriptions/subscription-store.js';
import type { SqlHouse } from '../support/sql-house.js';
import { openContractHouse } from './sql.rig.js';

const TENANT = '0b9d3d3e-5a3c-4a44-9d3a-0d6c1f6f0a01';
const OTHER_TENANT = '0b9d3d3e-5a3c-4a44-9d3a-0d6c1f6f0a02';
const [OLD, NEW] = ['old'.padEnd(32, '.'), 'new'.padEnd(32, '.')];
const targetsOf = (ring: string) =>
  new SealedTargets(Object.assign(new StatusSettings(), { piiKeys: new Secret(ring) }));
const emailOf = (key: string) => ({ channel: 'email' as const, text: key, key });

let house: SqlHouse;
beforeAll(async () => {
  house = await openContractHouse({ features: { status: 3 } });
});
afterAll(() => house.close());
beforeEach(() =>
  house.db.run(async (db) => {
    await db.delete(incidents);
    await db.delete(statusSubscriptions);
  }),
);

const targets = targetsOf(OLD);
const store = new SubscriptionStore(targets);

async function begin(key: string, severity: Severity, tenantId: string | null = null): Promise<string> {
  return house.db.transaction(async (tx) => {
    const row = await store.rowOf(tx, emailOf(key));
    await store.begin(tx, row, { target: key, severity, tenantId, secret: null });
    return row.id;
  });
}

describe('subscriptions in SQL', () => {
  it('have one row a target, whoever asks and however many at once', async () => {
    const rows = await Promise.all(
      Array.from({ length: 8 }, () => house.db.transaction((tx) => store.rowOf(tx, emailOf('a@x.org')))),
    );
    expect(new Set(rows.map(({ id }) => id)).size).toBe(1);
  });

  it('are found and read under an older key of the ring, and with it alone', async () => {
    const id = await begin('a@x.org', 'all');
    const both = targetsOf(`${NEW},${OLD}`);
    const find = (sealed: SealedTargets) =>
      house.db.transaction((tx) => new SubscriptionStore(sealed).rowOf(tx, emailOf('a@x.org')));
    const found = await find(both);
    expect([found.id, both.open(found.target)]).toEqual([id, 'a@x.org']);
    expect((await find(targetsOf(NEW))).id).not.toBe(id);
    expect(targetsOf(NEW).open(found.target)).toBeUndefined();
  });

  it('begin anew in another epoch, and forget their target when they end', async () => {
    const id = await begin('a@x.org', 'all', TENANT);
    const read = async () => (await house.db.run((db) => store.byId(db, id)))?.linkEpoch;
    expect(await read()).toBe(1);
    await begin('a@x.org', 'major', TENANT);
    expect(await read()).toBe(1);
    await house.db.transaction((tx) => store.end(tx, id));
    const ended = await house.db.run((db) => store.byId(db, id));
    expect(ended).toMatchObject({ target: '', secret: null, tenantId: null, linkEpoch: 1 });
    expect(await begin('a@x.org', 'all')).toBe(id);
    expect(await read()).toBe(2);
  });

  it('are listed and removed for their tenant only, page by page', async () => {
    const ids: string[] = [];
    for (const n of [1, 2, 3]) ids.push(await begin(`s${n}@x.org`, 'all', TENANT));
    ids.sort();
    await begin('other@x.org', 'all', OTHER_TENANT);
    await house.db.transaction((tx) => store.rowOf(tx, emailOf('pending@x.org')));
    const list = (limit: number, after?: string) =>
      house.db.run(async (db) => (await store.list(db, TENANT, { limit, after })).map(({ id }) => id));
    expect([await list(2), await list(2, ids[1])]).toEqual([ids.slice(0, 2), ids.slice(2)]);
    const remove = (tenant: string) => house.db.run((db) => store.remove(db, tenant, ids[0] ?? ''));
    expect([await remove(OTHER_TENANT), await remove(TENANT), await remove(TENANT)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('that nobody has confirmed in two days are swept with the next wish', async () => {
    await house.db.transaction((tx) => store.rowOf(tx, emailOf('stale@x.org')));
    await begin('kept@x.org', 'all');
    await house.db.run((db) =>
      db.update(statusSubscriptions).set({ createdAt: text`now() - interval '3 days'` }),
    );
    await house.db.transaction((tx) => store.rowOf(tx, emailOf('new@x.org')));
    const rows = await house.db.run((db) => db.select().from(statusSubscriptions));
    expect([rows.length, rows.filter(({ confirmedAt }) => confirmedAt).length]).toEqual([2, 1]);
  });
});

describe('an incident', () => {
  it('has one delivery for each subscription that wants to hear of it', async () => {
    const all = await begin('all@x.org', 'all');
    const major = await begin('major@x.org', 'major');
    await begin('maintenance@x.org', 'maintenance');
    const ended = await begin('ended@x.org', 'all');
    await house.db.transaction((tx) => store.end(tx, ended));
    const disabled = await begin('disabled@x.org', 'all');
    await house.db.run((db) =>
      db
        .update(statusSubscriptions)
        .set({ disabledAt: new Date() })
        .where(eq(statusSubscriptions.id, disabled)),
    );
    await house.db.transaction((tx) => store.rowOf(tx, emailOf('pending@x.org')));
    let nudges = 0;
    const worker = { nudge: () => void (nudges += 1) } as unknown as DeliveryWorker;
    const posted = await new Incidents(house.db, worker).post({ severity: 'major', title: 't', body: 'b' });
    const rows = await house.db.run((db) => db.select().from(statusDeliveries));
    expect(rows.map(({ subscriptionId }) => subscriptionId).sort()).toEqual([all, major].sort());
    expect([posted.deliveries, nudges]).toEqual([2, 1]);
  });
});
