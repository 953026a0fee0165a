import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { NEWEST } from '../../src/billing/log/entry-id.js';
import { TENANTS_KEY, rebuildKey, tenantKey } from '../../src/billing/log/keys.js';
import { RebuildStore } from '../../src/billing/ops/replay/rebuild-store.js';
import type { OwnedLock } from '../../src/billing/ops/owned-lock.js';
import { systemClock } from '../../src/kernel/time.js';
import { LogRig, eventOf, tenant } from './billing-log.rig.js';
import { withEngine } from './support/engine.js';

const OWNER = tenant(1);
const BEGINNING = { fromMs: null, at: '0-0', entries: 0 } as const;

withEngine('What is built of a stream', (engine) => {
  let rig: LogRig;
  let store: RebuildStore;
  let lock: OwnedLock;
  beforeAll(async () => {
    rig = await LogRig.open(`redis://${engine.host}:${engine.port}`);
    store = new RebuildStore(rig.house.lane('billingEvents', 'bulk'), systemClock);
  });
  beforeEach(async () => {
    lock = await store.lock();
  });
  afterEach(() => lock.release());
  afterAll(() => rig?.close());

  const append = async (count: number, name = 'evt') => {
    for (let at = 0; at < count; at += 1) await rig.log.append(eventOf(`${name}_${at}`));
    return await rig.log.tenantPage(OWNER, { count: 1000 });
  };
  const who = () => ({ tenantId: OWNER, lock });

  it('takes the place of the stream with its ids, ends never, and leaves nothing behind', async () => {
    const entries = await append(250);
    const begun = await store.begin(who(), BEGINNING);
    const place = await store.add(who(), begun, { entries, upTo: entries.at(-1)!.id });
    expect(place).toEqual({ fromMs: null, at: entries.at(-1)!.id, entries: 250 });
    expect(await store.place(OWNER)).toEqual(place);
    await engine.redis.xdel(tenantKey(OWNER), entries[3]!.id);
    const [later] = (await append(1, 'later')).slice(-1);
    expect(await store.swap(who(), place, NEWEST)).toEqual({ before: 250, now: 251 });
    expect(await rig.log.tenantPage(OWNER, { count: 1000 })).toEqual([...entries, later]);
    expect(await engine.redis.pttl(tenantKey(OWNER))).toBe(-1);
    expect(await engine.redis.zscore(TENANTS_KEY, OWNER)).not.toBeNull();
    expect(await store.place(OWNER)).toBeUndefined();
    expect(await engine.redis.exists(rebuildKey(OWNER))).toBe(0);
  });

  it('waits where more has come than one call takes over, and takes what is left then', async () => {
    const begun = await store.begin(who(), BEGINNING);
    const entries = await append(101);
    expect(await store.swap(who(), begun, NEWEST)).toBe('behind');
    const place = await store.add(who(), begun, { entries: entries.slice(0, 1), upTo: entries[0]!.id });
    expect(await store.swap(who(), place, NEWEST)).toEqual({ before: 101, now: 101 });
    expect(await rig.log.tenantPage(OWNER, { count: 1000 })).toEqual(entries);
  });

  it('takes the place of something foreign, and is nothing where there is nothing', async () => {
    await engine.redis.set(tenantKey(OWNER), 'foreign');
    expect(await store.length(OWNER)).toBeUndefined();
    expect(await store.swap(who(), await store.begin(who(), BEGINNING), NEWEST)).toEqual({
      before: 0,
      now: 0,
    });
    expect([await engine.redis.exists(tenantKey(OWNER)), await store.length(OWNER)]).toEqual([0, 0]);
  });

  it('ends by itself where nobody goes on', async () => {
    const entries = await append(2);
    await store.add(who(), await store.begin(who(), BEGINNING), { entries, upTo: entries[1]!.id });
    expect(await engine.redis.pttl(rebuildKey(OWNER))).toBeGreaterThan(3_000_000);
    await store.drop(OWNER);
    expect(await store.place(OWNER)).toBeUndefined();
  });

  it.each([
    ['a place that is none', (key: string) => engine.redis.set(key, '{"at":"x"}')],
    ['a place of another kind', (key: string) => engine.redis.lpush(key, 'x')],
  ])('has no beginning at %s', async (_, plant) => {
    await plant(`billing:{b}:rebuild-at:${OWNER}`);
    expect(await store.place(OWNER)).toBeUndefined();
    await engine.redis.set(rebuildKey(OWNER), 'foreign');
    expect(await store.begin(who(), BEGINNING)).toEqual(BEGINNING);
    expect(await store.place(OWNER)).toEqual(BEGINNING);
  });
});
