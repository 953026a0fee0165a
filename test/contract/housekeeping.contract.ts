import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChoreRounds } from '../../src/database/index.js';
import { chores } from '../../src/database/chores.tables.js';
import type { Housekeeping } from '../../src/database/index.js';
import { invitations, securityEvents, tenants, users } from '../../src/identity/identity.tables.js';
import { StaleRecords } from '../../src/identity/index.js';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import { MailHousekeeping, SETTLED_MAILS_MS } from '../../src/mail/mail-housekeeping.js';
import { mailOutbox } from '../../src/mail/mail.tables.js';
import {
  INCIDENTS_MS,
  SETTLED_DELIVERIES_MS,
  StatusHousekeeping,
} from '../../src/status/status-housekeeping.js';
import { incidents, statusDeliveries, statusSubscriptions } from '../../src/status/status.tables.js';
import type { SqlHouse } from '../support/sql-house.js';
import { waitFor } from '../support/wait-for.js';
import { openContractHouse } from './sql.rig.js';

const HOUR_MS = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);
/** A moment before the end of a retention, and one behind it. */
const around = (ms: number) => [ago(ms - HOUR_MS), ago(ms + HOUR_MS)] as const;

let house: SqlHouse;
beforeAll(async () => {
  house = await openContractHouse({ features: { mail: 2, status: 2 } });
});
afterAll(() => house.close());
beforeEach(() =>
  house.db.run(async (db) => {
    for (const table of [chores, mailOutbox, incidents, statusSubscriptions, users, tenants, securityEvents])
      await db.delete(table);
  }),
);

const db = () => house.db;

/** One round of all of its chores, as the application does it soon after its start. */
async function clean(names: readonly string[], make: (clock: ManualClock) => Housekeeping): Promise<void> {
  const clock = new ManualClock(Date.now());
  const housekeeping = make(clock);
  housekeeping.onApplicationBootstrap();
  // A second further on than the latest first round; retentions are told apart by hours.
  clock.advance(65 * 60_000 + 1000);
  await waitFor(
    async () => {
      const rows = await db().run((of) => of.select().from(chores));
      const done = rows.filter(({ dueAt }) => dueAt.getTime() > Date.now() + HOUR_MS);
      return names.every((name) => done.some((row) => row.name === name));
    },
    { what: 'the chores to be done', timeoutMs: 20_000 },
  );
  await housekeeping.beforeApplicationShutdown();
}

describe('what is forgotten', () => {
  it('are mails that were settled long ago, and no mail that waits', async () => {
    const [young, old] = around(SETTLED_MAILS_MS + 2 * HOUR_MS);
    const rows = [
      { lastReason: 'old and sent', sentAt: old, createdAt: old },
      { lastReason: 'old and given up', failedAt: old, createdAt: old },
      { lastReason: 'old and waiting', createdAt: old },
      { lastReason: 'sent', sentAt: young, createdAt: ago(SETTLED_MAILS_MS - 3 * HOUR_MS) },
    ];
    await db().run((of) =>
      of
        .insert(mailOutbox)
        .values(rows.map((row) => ({ id: randomUUID(), template: 't', sealed: '', ...row }))),
    );
    await clean(['mails'], (clock) => new MailHousekeeping(house.of('mail'), clock));
    const left = await db().run((of) => of.select().from(mailOutbox));
    expect(new Set(left.map(({ lastReason }) => lastReason))).toEqual(new Set(['old and waiting', 'sent']));
  });

  it('are deliveries that were settled long ago, and incidents of which none is left', async () => {
    const subscriptionId = randomUUID();
    await db().run((of) =>
      of
        .insert(statusSubscriptions)
        .values({ id: subscriptionId, channel: 'email', severity: 'all', targetDigest: 'x' }),
    );
    const add = async (title: string, createdAt: Date, delivery: object): Promise<void> => {
      const id = randomUUID();
      await db().run((of) =>
        of.insert(incidents).values({ id, severity: 'major', title, body: '', createdAt }),
      );
      const row = { id: randomUUID(), incidentId: id, subscriptionId, channel: 'email' as const, createdAt };
      await db().run((of) => of.insert(statusDeliveries).values({ ...row, ...delivery }));
    };
    const month = ago(SETTLED_DELIVERIES_MS + 3 * HOUR_MS);
    const year = ago(INCIDENTS_MS + 3 * HOUR_MS);
    await add('last week', ago(7 * 24 * HOUR_MS), { sentAt: new Date(), lastReason: 'kept' });
    await add('last month', month, { sentAt: month });
    await add('last year', year, { failedAt: year });
    await add('last year, and still waiting', year, { lastReason: 'waits' });
    await clean(
      ['status-deliveries', 'incidents'],
      (clock) => new StatusHousekeeping(house.of('status'), clock),
    );
    const titles = await db().run((of) => of.select({ title: incidents.title }).from(incidents));
    const reasons = await db().run((of) =>
      of.select({ reason: statusDeliveries.lastReason }).from(statusDeliveries),
    );
    expect(titles.map(({ title }) => title).toSorted()).toEqual([
      'last month',
      'last week',
      'last year, and still waiting',
    ]);
    expect(new Set(reasons.map(({ reason }) => reason))).toEqual(new Set(['kept', 'waits']));
  });

  it('are expired invitations and events of nobody, so many at a time', async () => {
    const [tenantId, userId] = [randomUUID(), randomUUID()];
    const moment = ago(24 * HOUR_MS);
    const [young, old] = around(24 * HOUR_MS);
    await db().run(async (of) => {
      await of.insert(tenants).values({ id: tenantId, name: 'T' });
      await of.insert(users).values({ id: userId, email: 'a@x.org', emailKey: 'a@x.org' });
      const invited = { tenantId, role: 'member' as const };
      const ends = [old, old, old, young];
      await of
        .insert(invitations)
        .values(ends.map((expiresAt) => ({ ...invited, id: randomUUID(), emailKey: 'b@x.org', expiresAt })));
      const event = { kind: 'account-locked', facts: {} };
      const events = [
        { userId: null, createdAt: old },
        { userId: null, createdAt: young },
        { userId, createdAt: old },
      ];
      await of.insert(securityEvents).values(events.map((row) => ({ ...event, ...row, id: randomUUID() })));
    });
    const stale = new StaleRecords(db());
    const gone = async (forget: (most: number) => Promise<number>) => [
      await forget(2),
      await forget(2),
      await forget(2),
    ];
    expect(await gone((most) => stale.forgetInvitations(moment, most))).toEqual([2, 1, 0]);
    expect(await gone((most) => stale.forgetNobodysEvents(moment, most))).toEqual([1, 0, 0]);
    const left = await db().run((of) => of.select({ userId: securityEvents.userId }).from(securityEvents));
    expect(left.map((row) => row.userId ?? 'nobody').toSorted()).toEqual([userId, 'nobody'].toSorted());
  });
});

describe('a chore', () => {
  const begin = (feature: string) => new ChoreRounds(house.of(feature)).begin('a');
  const pass = (time: string) =>
    db().run((of) => of.update(chores).set({ dueAt: sql`due_at - ${time}::interval` }));

  it('is done by one of all instances, and again most of a day after its end', async () => {
    const asked = await Promise.all(['mail', 'status', 'mail', 'status'].map(begin));
    expect(asked.filter(Boolean)).toHaveLength(1);
    await new ChoreRounds(house.of('mail')).end('a');
    await pass('19 hours 59 minutes');
    expect(await begin('status')).toBe(false);
    await pass('1 minute');
    expect(await begin('status')).toBe(true);
  });

  it('is another’s where the one that began it is not heard of for half an hour', async () => {
    expect(await begin('mail')).toBe(true);
    await pass('29 minutes');
    expect(await begin('status')).toBe(false);
    await pass('1 minute');
    expect(await begin('status')).toBe(true);
  });
});
