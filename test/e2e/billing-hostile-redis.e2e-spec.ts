import { deflateRawSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { NEWEST } from '../../src/billing/log/entry-id.js';
import {
  BACKFILL_CURSOR_KEY,
  DEAD_LETTERS_KEY,
  LOG_KEY,
  backfillRunKey,
  tenantKey,
} from '../../src/billing/log/keys.js';
import { BackfillStore } from '../../src/billing/ops/backfill/backfill-store.js';
import { DeadLetters } from '../../src/billing/ops/dead-letters.js';
import { Lag } from '../../src/billing/ops/lag.js';
import { Replay } from '../../src/billing/ops/replay/replay.js';
import { TenantRebuild } from '../../src/billing/ops/replay/tenant-rebuild.js';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { describeReal } from '../support/redis-availability.js';
import { StreamHouse, type StreamPerson } from './billing-stream/house.js';

/** Names and values of an entry as ours are, but for what is said otherwise. */
function fields(tenantId: string, own: Readonly<Record<string, string | Buffer>> = {}): (string | Buffer)[] {
  const usual = { t: tenantId, y: 'invoice.paid', e: 'evt_planted', c: '1700000000', o: '', s: '1', f: '' };
  return Object.entries({ ...usual, d: '{}', ...own }).flat();
}

describeReal('Billing on a Redis server that holds what somebody else put there', () => {
  let house: StreamHouse;
  let redis: Redis;
  let person: StreamPerson;
  beforeAll(async () => {
    house = await StreamHouse.open();
    redis = new Redis(house.billing.url());
  });
  beforeEach(async () => {
    person = await house.person();
  });
  afterAll(async () => {
    redis.disconnect();
    await house.close();
  });

  const statusOf = async (path: string) => {
    const headers = { authorization: `Bearer ${person.token}` };
    const answer = await fetch(`${house.firstOrigin}${path}`, { headers });
    return { status: answer.status, body: (await answer.json()) as { events?: { data: unknown }[] } };
  };

  it('shows the history without entries that are no JSON', async () => {
    const { tenantId } = person;
    const [first] = await house.publish(tenantId, 1);
    await redis.xadd(tenantKey(tenantId), '*', ...fields(tenantId, { d: '{not json}', s: '2' }));
    await redis.xadd(tenantKey(tenantId), '*', ...fields(tenantId, { d: '{ }', s: '3', f: 's' }));
    const { status, body } = await statusOf('/v1/billing/events');
    expect([status, body.events?.length]).toEqual([200, 1]);
    expect(body.events?.[0]?.data).toMatchObject({ n: first });
  });

  it('counts events that are called as what every object has', async () => {
    await house.publish(person.tenantId, 2, { type: 'constructor' });
    const selection = { types: 'constructor' };
    const { types } = await house.get(Replay).run({ selection, target: 'projector', dryRun: true });
    expect(types).toEqual({ constructor: 2 });
  });

  it.each(['not json', '{"id":7}', 'null'])('gives no tenant what is no event: %s', async (text) => {
    const z = deflateRawSync(text);
    const id = await redis.xadd(LOG_KEY, '*', ...fields('_unassigned', { y: 'planted.raw', z }));
    const selection = { types: 'planted.raw' };
    for (const dryRun of [true, false]) {
      const { outcomes } = await house.get(Replay).run({ selection, target: 'assign', dryRun });
      expect(outcomes).toEqual({ unreadable: 1 });
    }
    await redis.xdel(LOG_KEY, String(id));
  });

  it.each(['undefined', 'null', 'NaN'])('keeps what is called %s', async (word) => {
    const event = { eventId: word, objectId: word, type: 'coupon.created', tenantId: person.tenantId };
    const kept = { ...event, createdS: 1, data: '{}', raw: '{}' };
    expect(await house.log.append(kept)).toMatchObject({ duplicate: false });
    expect(await house.log.append(kept)).toMatchObject({ duplicate: true });
    expect(await house.log.find(word)).toMatchObject({ eventId: word });
    const replay = { selection: { eventId: word }, target: 'stream', dryRun: false, id: word } as const;
    expect((await house.get(Replay).run(replay)).outcomes).toEqual({ told: 1 });
    expect(await house.get(BackfillStore).find(word)).toBeUndefined();
  });

  it('has no dead letters behind the last id that there can be', async () => {
    await redis.xadd(DEAD_LETTERS_KEY, '*', 'foreign', 'x');
    expect(await house.get(DeadLetters).page(NEWEST, 10)).toEqual({ letters: [] });
  });

  it('takes a backfill of no date for none', async () => {
    const store = house.get(BackfillStore);
    const far = Number.MAX_SAFE_INTEGER;
    const sound = { fromS: 1, toS: 2, startedMs: 1, updatedMs: 1, at: { id: 'evt_1', created: 1 } };
    const others = { id: 'x', state: 'running', continuous: true, refusedIds: [], owner: 'x' };
    const counts = { pages: 0, taken: 0, duplicates: 0, refused: 0 };
    const plant = (own: object) =>
      redis.set(backfillRunKey('x'), JSON.stringify({ ...others, ...counts, ...sound, ...own }));
    await plant({});
    expect(await store.find('x')).toMatchObject(sound);
    const foreign = [{ fromS: -1 }, { toS: far }, { startedMs: far }, { updatedMs: far }];
    for (const own of [...foreign, { at: { id: 'evt_1', created: far } }]) {
      await plant(own);
      expect(await store.find('x')).toBeUndefined();
    }
    await redis.hset(BACKFILL_CURSOR_KEY, 'head', JSON.stringify({ createdS: far }));
    expect((await house.get(Lag).report()).backfill).toEqual({ fetched_up_to: null, last: null });
  });

  it('rebuilds a stream past an entry with too many fields, and loses nothing that came behind it', async () => {
    const { tenantId } = person;
    const key = tenantKey(tenantId);
    await house.publish(tenantId, 2);
    const many = Array.from({ length: 5000 }, (_, at) => [`f${at}`, 'x']).flat();
    await redis.xadd(key, '*', ...many);
    const last = await redis.xadd(key, '*', ...fields(tenantId, { s: '3' }));
    expect(await house.get(TenantRebuild).run({ tenantId, dryRun: false })).toEqual({ before: 4, now: 3 });
    expect((await redis.xrevrange(key, '+', '-', 'COUNT', 1))[0]?.[0]).toBe(last);
  });

  it('is closed, and not broken, where something else stands in the place of the log', async () => {
    await house.publish(person.tenantId, 1);
    await redis.rename(LOG_KEY, 'kept');
    await redis.set(LOG_KEY, 'foreign');
    expect((await statusOf('/v1/billing/snapshot')).status).toBe(503);
    await expect(house.get(Lag).report()).rejects.toThrow(RedisUnavailableError);
    await redis.rename('kept', LOG_KEY);
    expect((await statusOf('/v1/billing/snapshot')).status).toBe(200);
  });
});
