import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { PolicyBook } from '../policies/plan.js';
import { memberOf } from './blocked-subject.js';
import { ProcessRulingStore } from './process-ruling-store.js';
import type { ChangeResult, RulingChange, RulingStore, StoredRulings } from './ruling-store.js';
import { RulingSync } from './ruling-sync.js';
import { Rulings } from './rulings.js';

const TABLE = { api: { limits: [{ per: 'ip', quota: 10, windowMs: 1000, burst: 1 }] } } as const;
const block = (id: string): RulingChange => ({
  kind: 'block',
  member: memberOf({ dimension: 'ip', id: id.padEnd(16, '_'), label: '***' }),
  forMs: 60_000,
});

/** A place that several instances share, as Redis is; it can be away, and counts what it is asked. */
class SharedStore implements RulingStore {
  away = false;
  loads = 0;
  asked = 0;
  private readonly kept: ProcessRulingStore;

  constructor(clock: ManualClock) {
    this.kept = new ProcessRulingStore(clock);
  }

  load(): Promise<StoredRulings> {
    this.loads += 1;
    return this.away ? Promise.reject(new Error('away')) : this.kept.load();
  }

  change(change: RulingChange): Promise<ChangeResult> {
    return this.away ? Promise.reject(new Error('away')) : this.kept.change(change);
  }

  version(): Promise<number> {
    this.asked += 1;
    return this.away ? Promise.reject(new Error('away')) : this.kept.version();
  }
}

async function setUp() {
  const clock = new ManualClock();
  const store = new SharedStore(clock);
  const failures: unknown[] = [];
  const instance = (reachable = () => true) => {
    const rulings = new Rulings(new PolicyBook(TABLE), clock);
    const sync = new RulingSync({
      store,
      rulings,
      clock,
      reachable,
      installed: () => undefined,
      failed: (error) => failures.push(error),
    });
    return { rulings, sync };
  };
  const own = instance();
  await own.sync.onApplicationBootstrap();
  return { clock, store, failures, instance, ...own };
}

/** Lets everything run that needs no time: promises, and the turn of the event loop that an installation waits for. */
async function settle(): Promise<void> {
  for (let at = 0; at < 5; at += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.advance(50);
    await settle();
  }
}

describe('the rulings of an instance', () => {
  it('are read before the application serves, and not again while nothing changes', async () => {
    const { clock, store, rulings } = await setUp();
    expect([store.loads, rulings.version]).toEqual([1, 0]);
    await pass(clock, 10_000);
    expect(store.loads).toBe(1);
  });

  it('follow a change elsewhere within a second where no decision carries the version', async () => {
    const { clock, store, rulings } = await setUp();
    await store.change(block('ada'));
    await pass(clock, 750);
    expect(rulings.blocked()).toHaveLength(1);
  });

  it('follow at once where a decision carries it, and ask for no version meanwhile', async () => {
    const { clock, store, rulings, sync } = await setUp();
    await pass(clock, 1000);
    const { after } = await store.change(block('ada'));
    const before = store.asked;
    for (let at = 0; at < 20; at += 1) {
      sync.onVersion(after);
      await pass(clock, 100);
    }
    expect(rulings.blocked()).toHaveLength(1);
    expect(store.asked).toBe(before);
    expect(store.loads).toBe(2);
  });

  it('are asked for every half second at most where nothing carries the version', async () => {
    const { clock, store } = await setUp();
    await pass(clock, 10_000);
    expect(store.asked).toBeGreaterThanOrEqual(18);
    expect(store.asked).toBeLessThanOrEqual(21);
  });

  it('are read five times a second at most, however often they change', async () => {
    const { clock, store, rulings, sync } = await setUp();
    for (let at = 0; at < 100; at += 1) {
      const { after } = await store.change(block(`client-${at}`));
      sync.onVersion(after);
      await pass(clock, 50);
    }
    expect(store.loads).toBeLessThanOrEqual(1 + 5 * 5 + 1);
    await pass(clock, 500);
    expect(rulings.blocked()).toHaveLength(100);
  });

  it('go on holding while nothing can be read, and follow when something can', async () => {
    const { clock, store, rulings, sync, failures } = await setUp();
    await sync.change(block('ada'));
    store.away = true;
    sync.onVersion(99);
    await pass(clock, 2000);
    expect(rulings.blocked()).toHaveLength(1);
    expect(failures.length).toBeGreaterThan(0);
    store.away = false;
    await store.change(block('bob'));
    await pass(clock, 1000);
    expect(rulings.blocked()).toHaveLength(2);
  });

  it('are not asked for while Redis cannot be reached', async () => {
    const { clock, store, instance, sync } = await setUp();
    sync.beforeApplicationShutdown();
    const before = [store.loads, store.asked];
    const lonely = instance(() => false);
    await lonely.sync.onApplicationBootstrap();
    await pass(clock, 5000);
    expect([store.loads, store.asked]).toEqual(before);
  });

  it('hold for the instance that changed them when the change is done, without reading them again', async () => {
    const { store, rulings, sync } = await setUp();
    let told = 0;
    sync.onChange(() => (told += 1));
    const { edition } = rulings;
    await sync.change(block('ada'));
    expect([rulings.blocked().length, rulings.edition, told, store.loads]).toEqual([1, edition + 1, 1, 1]);
  });

  it('are read again where somebody else has changed them just before', async () => {
    const { store, rulings, sync, clock } = await setUp();
    await store.change(block('bob'));
    await sync.change(block('ada'));
    await pass(clock, 300);
    expect(rulings.blocked()).toHaveLength(2);
  });

  it('are read again when Redis has fewer of them than are held', async () => {
    const { clock, store, rulings, sync } = await setUp();
    await sync.change(block('ada'));
    sync.onStock({ blocks: 1, overrides: 0 });
    await pass(clock, 300);
    expect(store.loads).toBe(1);
    sync.onStock({ blocks: 0, overrides: 0 });
    await pass(clock, 300);
    expect([store.loads, rulings.blocked().length]).toEqual([2, 1]);
  });

  it('take many changes at once, in their order', async () => {
    const { rulings, sync } = await setUp();
    const ada = block('ada');
    const unblock: RulingChange = { kind: 'unblock', members: [ada.kind === 'block' ? ada.member : ''] };
    const done = await Promise.all([ada, unblock, ada, block('bob'), unblock].map((one) => sync.change(one)));
    expect(done.map(({ outcome }) => outcome)).toEqual(Array(5).fill('changed'));
    expect(rulings.blocked()).toHaveLength(1);
  });

  it('reject a change that could not be made, and go on', async () => {
    const { store, rulings, sync } = await setUp();
    store.away = true;
    await expect(sync.change(block('ada'))).rejects.toThrow('away');
    store.away = false;
    await sync.change(block('bob'));
    expect(rulings.blocked()).toHaveLength(1);
  });

  it('are left alone after the end', async () => {
    const { clock, store, sync } = await setUp();
    sync.beforeApplicationShutdown();
    const before = [store.loads, store.asked];
    sync.refresh();
    await pass(clock, 5000);
    expect([store.loads, store.asked]).toEqual(before);
  });
});
