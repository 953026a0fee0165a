import { afterAll, beforeAll, expect, it } from 'vitest';
import { REBUILD_LOCK_KEY } from '../../src/billing/log/keys.js';
import { AlreadyRunningError } from '../../src/billing/ops/ops.errors.js';
import { RebuildStore } from '../../src/billing/ops/replay/rebuild-store.js';
import { systemClock } from '../../src/kernel/time.js';
import { LogRig } from './billing-log.rig.js';
import { withEngine } from './support/engine.js';
import { FOREIGN_KEYS } from './support/foreign-values.js';

withEngine('A lock of billing', (engine) => {
  let rig: LogRig;
  let store: RebuildStore;
  beforeAll(async () => {
    rig = await LogRig.open(`redis://${engine.host}:${engine.port}`);
    store = new RebuildStore(rig.house.lane('billingEvents', 'bulk'), systemClock);
  });
  afterAll(() => rig?.close());

  it.each(Object.entries(FOREIGN_KEYS))(
    'is taken where %s without an end stands in its place, which nobody of us has put there',
    async (_, put) => {
      await put(engine.redis, REBUILD_LOCK_KEY);
      const lock = await store.lock();
      expect(await engine.redis.get(REBUILD_LOCK_KEY)).toBe(lock.text);
      expect(await engine.redis.pttl(REBUILD_LOCK_KEY)).toBeGreaterThan(0);
      await expect(store.lock()).rejects.toThrow(AlreadyRunningError);
      await lock.release();
      expect(await engine.redis.exists(REBUILD_LOCK_KEY)).toBe(0);
    },
  );

  it('that ends is waited for, whatever it says, and the refusal names its key', async () => {
    await engine.redis.set(REBUILD_LOCK_KEY, 'x', 'EX', 3600);
    await expect(store.lock()).rejects.toThrow(`${REBUILD_LOCK_KEY} in the Redis of billingEvents`);
    expect(await engine.redis.get(REBUILD_LOCK_KEY)).toBe('x');
  });
});
