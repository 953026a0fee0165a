import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  LOG_KEY,
  REBUILD_LOCK_KEY,
  rebuildKey,
  rebuildPlaceKey,
  tenantKey,
} from '../../src/billing/log/keys.js';
import { type BillingEvent, type LogEntry, UNASSIGNED } from '../../src/billing/log/log-entry.js';
import { type RebuildWatcher, TenantRebuild } from '../../src/billing/ops/replay/tenant-rebuild.js';
import { type OwnBuild, createOwnBuild } from '../support/own-build.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { OpsHouse } from './billing-ops/house.js';

/** More than one call of a script could ever put in place. */
const MANY = 21_000;
const DAY_MS = 86_400_000;

describeReal('the rebuild of a large stream', () => {
  let build: OwnBuild;
  let house: OpsHouse;
  let tenantId: string;
  let whole: LogEntry[];
  beforeAll(async () => {
    build = createOwnBuild('billing-rebuild');
    house = await OpsHouse.open();
    tenantId = await house.tenant();
    await plantOld(UNASSIGNED, [LOG_KEY, tenantKey(UNASSIGNED)]);
    await plantOld(tenantId, [LOG_KEY]);
    for (let at = 0; at < MANY; at += 1000) await publish('many', at, 1000);
    whole = await stream();
  });
  afterAll(async () => {
    await house?.close();
    build?.remove();
  });
  beforeEach(async () => {
    await house.redis.admin().del(REBUILD_LOCK_KEY, rebuildKey(tenantId), rebuildPlaceKey(tenantId));
  });

  const admin = () => house.redis.admin();
  const eventOf = (eventId: string): BillingEvent => ({
    eventId,
    type: 'charge.succeeded',
    tenantId,
    createdS: 1_790_000_000,
    objectId: '',
    data: JSON.stringify({ stripe_event_id: eventId, pad: 'x'.repeat(100) }),
    raw: JSON.stringify({ id: eventId, object: 'event' }),
  });
  const publish = (name: string, from: number, count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, at) => house.log.append(eventOf(`evt_${name}${from + at}`))),
    );
  /** Ten days ago: older than what tenants are shown, and younger than what the log keeps. */
  const plantOld = async (owner: string, keys: readonly string[]) => {
    const id = `${Date.now() - 10 * DAY_MS}-${owner === UNASSIGNED ? 0 : 1}`;
    const fields = {
      t: owner,
      y: 'charge.succeeded',
      e: `evt_${owner}`,
      c: '1',
      o: '',
      s: '1',
      f: '',
      d: '{}',
    };
    for (const key of keys) await admin().xadd(key, id, ...Object.entries(fields).flat());
  };
  const stream = async (): Promise<LogEntry[]> => {
    const all: LogEntry[] = [];
    for (;;) {
      const after = all.at(-1)?.id ?? `${Date.now() - 7 * DAY_MS}-0`;
      const page = await house.log.tenantPage(tenantId, { count: 1000, after });
      all.push(...page);
      if (page.length < 1000) return all;
    }
  };
  const rebuild = (watcher: RebuildWatcher = {}, more: { readonly mostLooked?: number } = {}) =>
    house.get(TenantRebuild).run({ tenantId, dryRun: false, ...more }, watcher);
  /** What is repaired. */
  const makeHoles = async () => {
    await admin().xdel(tenantKey(tenantId), ...whole.slice(12_000, 12_500).map(({ id }) => id));
    return await admin().xlen(tenantKey(tenantId));
  };
  const words = () => ['billing', 'replay', '--to', 'tenant-stream', '--tenant', tenantId, '--yes'];
  const leftovers = () => admin().exists(rebuildKey(tenantId), rebuildPlaceKey(tenantId));
  const failureOf = async (work: Promise<unknown>) =>
    await work.then(
      () => new Error('did not fail'),
      (error: Error) => error,
    );

  it('puts any number of entries in place, while it is read and written', async () => {
    const before = await makeHoles();
    expect(await house.get(TenantRebuild).run({ tenantId, dryRun: true })).toEqual({ before, now: MANY });
    const writing = (async () => {
      for (let at = 0; at < 300; at += 5) await publish('live', at, 5);
    })();
    let reading = true;
    const short: number[] = [];
    const reader = (async () => {
      // Behind the holes: whoever reads there must always find what was there, without a gap.
      const last = whole.at(-301)!;
      while (reading) {
        const page = await house.log.tenantPage(tenantId, { after: last.id, count: 1000 });
        if (page.length < 300) short.push(page.length);
        const numbers = page.map(({ tenantSequence }) => tenantSequence);
        expect(numbers).toEqual(numbers.map((_, place) => last.tenantSequence + 1 + place));
      }
    })();
    const { now } = await rebuild();
    expect(now).toBeGreaterThanOrEqual(MANY);
    await writing;
    reading = false;
    await reader;
    expect(short).toEqual([]);
    const after = await stream();
    expect(after.slice(0, MANY)).toEqual(whole);
    expect(after.map(({ tenantSequence }) => tenantSequence)).toEqual(
      after.map((_, place) => whole[0]!.tenantSequence + place),
    );
    expect(after).toHaveLength(MANY + 300);
    whole = after;
    // A stream never ends by itself.
    expect([await admin().pttl(tenantKey(tenantId)), await leftovers()]).toEqual([-1, 0]);
  });

  it('is killed in the middle, leaves the stream as it was, and is gone on with', async () => {
    const before = await makeHoles();
    const command = () => house.command(build.cli, words());
    const running = command();
    const built = await waitFor(() => admin().xlen(rebuildKey(tenantId)), {
      what: 'something to be built',
      timeoutMs: 60_000,
      intervalMs: 5,
    });
    running.process.kill('SIGKILL');
    await running.end;
    expect(await leftovers()).toBe(2);
    expect(await admin().xlen(tenantKey(tenantId))).toBe(before);
    // One at a time: for as long as the dead process could be alive.
    const second = await command().end;
    expect([second.code, second.err]).toEqual([
      69,
      expect.stringContaining(`:${running.process.pid} has it since`),
    ]);
    await admin().del(REBUILD_LOCK_KEY);
    const third = await command().end;
    expect(third).toMatchObject({ code: 0, out: `${before} entries before, ${whole.length} now.\n` });
    const resumed = Number(/Going on with .*: (\d+) entries are built/.exec(third.err)?.[1]);
    expect(resumed).toBeGreaterThanOrEqual(built);
    expect(await stream()).toEqual(whole);
    expect(await leftovers()).toBe(0);
  });

  it('goes on where so much was looked at as one request may, and shows the old stream until the end', async () => {
    const before = await makeHoles();
    const resumed: number[] = [];
    const watcher = { onResume: (entries: number) => void resumed.push(entries) };
    const first = await rebuild(watcher, { mostLooked: 10_000 });
    expect(first).toEqual({ before, now: 10_000, next: whole[9_999]!.id });
    expect(await admin().xlen(tenantKey(tenantId))).toBe(before);
    // Another beginning is another stream.
    const fromMs = Number(whole[20_000]!.id.split('-')[0]);
    const later = whole.filter(({ id }) => Number(id.split('-')[0]) >= fromMs).length;
    const own = await house.get(TenantRebuild).run({ tenantId, dryRun: false, fromMs }, watcher);
    expect([own, resumed]).toEqual([{ before, now: later }, []]);
    await rebuild(watcher, { mostLooked: 10_000 });
    expect(await rebuild(watcher)).toEqual({ before: later, now: whole.length });
    expect(resumed).toEqual([10_000]);
    expect(await stream()).toEqual(whole);
  });

  it('stops where another has its lock, adds nothing to what that one builds, and is gone on with', async () => {
    const before = await makeHoles();
    const lost = await failureOf(
      rebuild({ onProgress: () => void admin().set(REBUILD_LOCK_KEY, 'other another:1 0', 'EX', 600) }),
    );
    expect(lost.message).toMatch(
      /could not be renewed.*The stream is as it was\. \d+ entries of the new one are built/,
    );
    expect(await admin().xlen(tenantKey(tenantId))).toBe(before);
    expect((await failureOf(rebuild())).message).toContain('another:1 has it since');
    await admin().del(REBUILD_LOCK_KEY);
    const resumed: number[] = [];
    expect(await rebuild({ onResume: (entries) => void resumed.push(entries) })).toEqual({
      before,
      now: whole.length,
    });
    expect(resumed).toHaveLength(1);
    expect(await stream()).toEqual(whole);
  });

  it('puts nothing in place of which somebody has taken a part', async () => {
    const before = await makeHoles();
    await rebuild({}, { mostLooked: 5000 });
    const spoiled = await failureOf(
      rebuild({ onProgress: () => void admin().xdel(rebuildKey(tenantId), whole[10]!.id) }),
    );
    expect(spoiled.message).toContain(
      `${rebuildKey(tenantId)} in the Redis of billingEvents, was deleted or changed`,
    );
    expect(spoiled.message).not.toContain('to go on from');
    expect(await admin().xlen(tenantKey(tenantId))).toBe(before);
    // What is left of it is no beginning.
    const resumed: number[] = [];
    await rebuild({ onResume: (entries) => void resumed.push(entries) });
    expect(resumed).toEqual([]);
    expect(await stream()).toEqual(whole);
  });

  it('gives its memory back where the server has none left', async () => {
    const before = await makeHoles();
    const full = await failureOf(
      rebuild({ onProgress: () => void admin().config('SET', 'maxmemory', '1mb') }),
    );
    await admin().config('SET', 'maxmemory', '0');
    expect(full.message).toMatch(/\(oom\).*memory for both streams/);
    expect([await leftovers(), await admin().xlen(tenantKey(tenantId))]).toEqual([0, before]);
    await rebuild();
    expect(await stream()).toEqual(whole);
  });

  it('takes from the old stream what the log has no more, also where it is trimmed meanwhile', async () => {
    await rebuild({}, { mostLooked: 2000 });
    await admin().xtrim(LOG_KEY, 'MINID', whole[6000]!.id);
    expect(await rebuild()).toMatchObject({ now: whole.length });
    expect(await stream()).toEqual(whole);
    // From its beginning on as well.
    expect(await rebuild()).toMatchObject({ now: whole.length });
    expect(await stream()).toEqual(whole);
  });

  it('shows tenants what they are shown, and keeps of nobody’s what the log keeps', async () => {
    const run = (owner: string) => house.get(TenantRebuild).run({ tenantId: owner, dryRun: false });
    expect(await run(UNASSIGNED)).toEqual({ before: 1, now: 1 });
    expect(await run(tenantId)).toMatchObject({ now: whole.length });
  });

  it('says which server has gone, which variable names it and what to do', async () => {
    const running = house.command(build.cli, words());
    await waitFor(() => admin().exists(rebuildKey(tenantId)), {
      what: 'something to be built',
      timeoutMs: 60_000,
    });
    await admin().client('PAUSE', 600_000, 'ALL');
    const { code, err } = await running.end;
    await house.redis.kill9();
    expect(code).toBe(69);
    expect(err).toMatch(/The billingEvents compartment is unavailable.*The stream is as it was/);
    expect(err).toMatch(/of BILLING_EVENTS_REDIS_URL, or REDIS_URL: `redis check --purpose billingEvents`/);
  });
});
