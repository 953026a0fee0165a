import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DEAD_LETTERS_KEY, PROJECTOR_GROUP, REPLAY_LOCK_KEY, tenantKey } from '../../src/billing/log/keys.js';
import { UNASSIGNED } from '../../src/billing/log/log-entry.js';
import { DeadLetterWork } from '../../src/billing/ops/dead-letter-work.js';
import { DeadLetters } from '../../src/billing/ops/dead-letters.js';
import { Lag } from '../../src/billing/ops/lag.js';
import { Replay, type ReplayRequest } from '../../src/billing/ops/replay/replay.js';
import { MissedReplay } from '../../src/billing/ops/replay/missed-replay.js';
import { StartReplay } from '../../src/billing/ops/replay/start-replay.js';
import { TenantRebuild } from '../../src/billing/ops/replay/tenant-rebuild.js';
import { billingObjects } from '../../src/billing/projector/billing-objects.tables.js';
import { CustomerTenants } from '../../src/billing/webhook/customer-tenants.js';
import { Ingest } from '../../src/billing/webhook/ingest.js';
import { Metrics } from '../../src/telemetry/index.js';
import { type FakeEvent, fakeEvents } from '../support/fake-stripe.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { OpsHouse } from './billing-ops/house.js';

const startS = Math.floor(Date.now() / 1000) - 7200;

describeReal('a replay', () => {
  let house: OpsHouse;
  beforeEach(async () => {
    house = await OpsHouse.open();
  });
  afterEach(() => house.close());

  const take = async (events: readonly FakeEvent[]) => {
    for (const event of events) await house.get(Ingest).take(event, JSON.stringify(event), 'webhook');
  };
  const replay = (request: Partial<ReplayRequest> & Pick<ReplayRequest, 'selection'>) =>
    house.get(Replay).run({ target: 'stream', dryRun: false, ...request });
  const objects = () => house.sql.run((db) => db.select().from(billingObjects));
  const settled = () =>
    waitFor(
      async () => {
        const { projector, log } = await house.get(Lag).report();
        return log.entries > 0 && projector.waiting + projector.pending === 0;
      },
      { what: 'the projector to be done', timeoutMs: 20_000 },
    );

  it('counts first, then does what it counted, by each selector', async () => {
    const [a, b] = [await house.tenant(), await house.tenant()];
    await take(fakeEvents({ count: 30, startS, name: 'a', tenantId: a }));
    await take(fakeEvents({ count: 20, startS, name: 'b', tenantId: b }));
    const entries = await house.entries();
    const middle = Number(entries[25]!.id.split('-')[0]);
    const selections = [
      { eventId: 'evt_a3' },
      { tenantId: a },
      { types: 'invoice.*' },
      { types: '*' },
      { tenantId: b, types: 'customer.*' },
      { fromMs: middle },
      { toMs: middle },
      { tenantId: randomUUID() },
    ];
    const matched: number[] = [];
    for (const [place, selection] of selections.entries()) {
      const id = `by-${place}`;
      const before = (await house.entries()).length;
      const counted = await replay({ selection, id, dryRun: true });
      expect((await house.entries()).length).toBe(before);
      const done = await replay({ selection, id });
      expect(done).toEqual({ ...counted, dryRun: false });
      expect((await house.entries()).length).toBe(before + (counted.outcomes['told'] ?? 0));
      matched.push(done.matched);
    }
    const inRange = (from: number, to: number) =>
      entries.filter(({ id }) => Number(id.split('-')[0]) >= from && Number(id.split('-')[0]) <= to).length;
    expect(matched).toEqual([1, 30, 25, 50, 10, inRange(middle, Infinity), inRange(0, middle), 0]);
  });

  it('tells each event once under one name, by however many at a time, in order and flagged', async () => {
    const tenantId = await house.tenant();
    await take(fakeEvents({ count: 450, startS, tenantId }));
    const other = await house.another();
    try {
      const request = { selection: { tenantId }, target: 'stream' as const, dryRun: false, id: 'twice' };
      const reports = await Promise.all([
        house.get(Replay).run(request),
        house.get(Replay, other).run(request),
        house.get(Replay).run(request),
      ]);
      expect(reports.map(({ matched }) => matched)).toEqual([450, 450, 450]);
      expect(reports.reduce((sum, { outcomes }) => sum + (outcomes['told'] ?? 0), 0)).toBe(450);
    } finally {
      await other.close();
    }
    expect(await replay({ selection: { tenantId }, id: 'twice' })).toMatchObject({
      outcomes: { 'told-before': 450 },
    });
    const again = (await house.entries()).slice(450);
    expect(new Set(again.map(({ eventId }) => eventId)).size).toBe(450);
    expect(again).toHaveLength(450);
    expect(again.every(({ replayed }) => replayed)).toBe(true);
    expect(again.map(({ tenantSequence }) => tenantSequence)).toEqual(again.map((_, place) => 451 + place));
    // Another name tells them again, and never the copies of the first time.
    expect(await replay({ selection: { tenantId }, id: 'more' })).toMatchObject({
      matched: 450,
      outcomes: { told: 450 },
    });
  });

  it('applies to SQL what SQL has lost, and changes nothing when it is done once more', async () => {
    const tenantId = await house.tenant();
    await take(fakeEvents({ count: 60, startS, tenantId }));
    await settled();
    const whole = await objects();
    expect(whole.length).toBeGreaterThan(0);
    await house.sql.run((db) => db.delete(billingObjects));
    const selection = { types: '*' };
    const counted = await replay({ selection, target: 'projector', dryRun: true });
    const done = await replay({ selection, target: 'projector' });
    expect(counted.matched).toBe(done.matched);
    const bare = (rows: Awaited<ReturnType<typeof objects>>) =>
      rows.map((row) => ({ ...row, updatedAt: 0 })).sort((x, y) => x.objectId.localeCompare(y.objectId));
    expect(bare(await objects())).toEqual(bare(whole));
    expect(await replay({ selection, target: 'projector' })).toMatchObject({ outcomes: { older: 60 } });
    expect(bare(await objects())).toEqual(bare(whole));
  });

  it('gives events of nobody to the tenant that their customer has by now, once', async () => {
    await take(fakeEvents({ count: 40, startS, customers: 2 }));
    await take(fakeEvents({ count: 10, startS, customers: 1, name: 'stays' }));
    const tenantId = await house.tenant();
    await house.get(CustomerTenants).assign('cus_a0', tenantId);
    const selection = { tenantId: UNASSIGNED };
    const counted = await replay({ selection, target: 'assign', dryRun: true });
    const done = await replay({ selection, target: 'assign' });
    expect(done).toEqual({ ...counted, dryRun: false });
    expect(done.outcomes).toEqual({ told: 20, 'unknown-customer': 30 });
    const own = await house.log.tenantPage(tenantId, { count: 100 });
    expect(own).toHaveLength(20);
    expect(own.map(({ data }) => (JSON.parse(data) as { tenant_id: string }).tenant_id)).toEqual(
      own.map(() => tenantId),
    );
    expect((await replay({ selection, target: 'assign' })).outcomes).toEqual({
      'told-before': 20,
      'unknown-customer': 30,
    });
    expect(await house.log.tenantPage(tenantId, { count: 100 })).toHaveLength(20);
    await settled();
    expect((await objects()).every((row) => row.tenantId === tenantId)).toBe(true);
    expect((await objects()).length).toBeGreaterThan(0);
  });

  it('applies and tells again what was given to a tenant, from the copy that the tenant has', async () => {
    await take(fakeEvents({ count: 20, startS, customers: 1 }));
    const tenantId = await house.tenant();
    await house.get(CustomerTenants).assign('cus_a0', tenantId);
    await replay({ selection: { tenantId: UNASSIGNED }, target: 'assign' });
    // Told once more before: neither the first telling nor that one is told by the next one.
    expect((await replay({ selection: { tenantId }, id: 'first' })).outcomes).toEqual({ told: 20 });
    await settled();
    const whole = await objects();
    expect(whole.length).toBeGreaterThan(0);
    const lose = () => house.sql.run((db) => db.delete(billingObjects));
    const bare = (rows: Awaited<ReturnType<typeof objects>>) =>
      rows.map((row) => ({ ...row, updatedAt: 0 })).sort((x, y) => x.objectId.localeCompare(y.objectId));

    await lose();
    await replay({ selection: { tenantId }, target: 'projector' });
    expect(bare(await objects())).toEqual(bare(whole));
    await lose();
    await house.get(MissedReplay).run(new AbortController().signal);
    expect(bare(await objects())).toEqual(bare(whole));

    // Its stream alone, and everything: each event once, to the tenant that it was given to.
    for (const [id, selection] of [
      ['own', { tenantId }],
      ['all', { types: '*' }],
    ] as const) {
      const before = (await house.entries()).length;
      expect(await replay({ selection, id })).toMatchObject({ matched: 20, outcomes: { told: 20 } });
      const told = (await house.entries()).slice(before);
      expect(told.map(({ tenantId: owner }) => owner)).toEqual(told.map(() => tenantId));
      expect(new Set(told.map(({ eventId }) => eventId)).size).toBe(20);
    }
  });

  it('makes the stream of a tenant anew while it is read and written, with no gap and nothing twice', async () => {
    const [tenantId, other] = [await house.tenant(), await house.tenant()];
    await take(fakeEvents({ count: 600, startS, tenantId }));
    await take(fakeEvents({ count: 50, startS, tenantId: other, name: 'other' }));
    const admin = house.redis.admin();
    const before = await house.log.tenantPage(tenantId, { count: 1000 });
    // What is repaired: holes in the middle, and what nobody of us has written.
    for (const { id } of before.slice(100, 250)) await admin.xdel(tenantKey(tenantId), id);
    expect(await house.get(TenantRebuild).run({ tenantId, dryRun: true })).toEqual({ before: 450, now: 600 });
    const writing = take(fakeEvents({ count: 200, startS: startS + 700, tenantId, name: 'live' }));
    let reading = true;
    const short: number[] = [];
    const reader = (async () => {
      // From behind the holes on: whoever reads there must always find what was there.
      const after = before[299]!.id;
      while (reading) {
        const page = await house.log.tenantPage(tenantId, { after, count: 1000 });
        if (page.length < 300) short.push(page.length);
        const numbers = page.map(({ tenantSequence }) => tenantSequence);
        expect(numbers).toEqual(numbers.map((_, place) => 301 + place));
      }
    })();
    for (let round = 0; round < 5; round += 1)
      await house.get(TenantRebuild).run({ tenantId, dryRun: false });
    await writing;
    await house.get(TenantRebuild).run({ tenantId, dryRun: false });
    reading = false;
    await reader;
    expect(short).toEqual([]);
    const after = await house.log.tenantPage(tenantId, { count: 1000 });
    expect(after.slice(0, 600)).toEqual(before);
    expect(after.map(({ tenantSequence }) => tenantSequence)).toEqual(after.map((_, place) => place + 1));
    expect(after).toHaveLength(800);
    // The numbers go on.
    await take(fakeEvents({ count: 1, startS, tenantId, name: 'next' }));
    expect((await house.log.tenantPosition(tenantId)).newest?.sequence).toBe(801);
  });

  it('lists dead letters, applies them, and leaves those that cannot be read', async () => {
    const tenantId = await house.tenant();
    await take(fakeEvents({ count: 6, startS, tenantId }));
    await settled();
    await house.sql.run((db) => db.delete(billingObjects));
    const admin = house.redis.admin();
    const bury = async (place: number, id: string, fields: Buffer[]) =>
      admin.call(
        'XADD',
        DEAD_LETTERS_KEY,
        `${place}-1`,
        'entry',
        id,
        'group',
        PROJECTOR_GROUP,
        'reason',
        'sql-23505',
        'deliveries',
        '5',
        ...fields,
      );
    const raw = await admin.xrangeBuffer('billing:{b}:log', '-', '+');
    for (const [place, [id, fields]] of raw.slice(0, 4).entries()) await bury(place + 1, String(id), fields);
    await bury(9, '1-1', [Buffer.from('x'), Buffer.from('y')]);
    const { letters } = await house.get(DeadLetters).page('0-0', 100);
    expect(letters.map(({ reason, deliveries, entry }) => [reason, deliveries, entry?.eventId])).toEqual([
      ...['evt_a0', 'evt_a1', 'evt_a2', 'evt_a3'].map((id) => ['sql-23505', 5, id]),
      ['sql-23505', 5, undefined],
    ]);
    const work = house.get(DeadLetterWork);
    expect(await work.run({ action: 'replay', which: 'all', dryRun: true })).toEqual({
      'would-apply': 4,
      foreign: 1,
    });
    expect(await house.get(DeadLetters).count()).toBe(5);
    const one = await replay({ selection: { deadLetters: true, eventId: 'evt_a1' }, target: 'projector' });
    expect(one).toMatchObject({ matched: 1, outcomes: { applied: 1 } });
    expect(await work.run({ action: 'replay', which: 'all', dryRun: false })).toEqual({
      applied: 3,
      foreign: 1,
    });
    expect(await house.get(DeadLetters).count()).toBe(1);
    // Counted the same, by whichever way they were settled.
    const { values } = await house.get(Metrics).billingReplays.get();
    expect(values.find(({ labels }) => labels['result'] === 'applied')?.value).toBe(4);
    expect(await work.run({ action: 'discard', which: ['9-1', '9-2'], dryRun: false })).toEqual({
      discarded: 1,
    });
    expect(await objects()).toHaveLength(4);
  });

  it('makes up at the start for what SQL has lost, in one of the instances', async () => {
    const tenantId = await house.tenant();
    await take(fakeEvents({ count: 40, startS, tenantId }));
    await settled();
    const whole = (await objects()).length;
    await house.sql.run((db) => db.delete(billingObjects));
    const [first, second] = await Promise.all([
      house.another({ BILLING_REPLAY_ON_START: 'true' }),
      house.another({ BILLING_REPLAY_ON_START: 'true' }),
    ]);
    try {
      await waitFor(async () => (await objects()).length === whole, {
        what: 'SQL to have all',
        timeoutMs: 15_000,
      });
      for (const instance of [first, second])
        await waitFor(async () => (await house.get(StartReplay, instance).once()) === 'done', {
          what: 'the lock to say that it is done',
        });
      expect(await house.redis.admin().get(REPLAY_LOCK_KEY)).toMatch(/ done$/);
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });
});
