import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AppendOutcome } from '../../src/billing/log/event-log.js';
import type { LogEntry } from '../../src/billing/log/log-entry.js';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { LogRig, eventOf, tenant } from '../contract/billing-log.rig.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

const EVENTS = 2000;
const TENANTS = 5;
const IN_FLIGHT = 64;

describeReal('A server that is killed while events are kept, with appendfsync always', () => {
  let server: RedisServer;
  let rig: LogRig;
  beforeAll(async () => {
    server = await startRedisServer({ appendonly: true, appendfsync: 'always' });
    rig = await LogRig.open(server.url(), {
      REDIS_PROBE_INTERVAL_MS: '100ms',
      REDIS_RETRY_CAP_MS: '200ms',
    });
  });
  afterAll(async () => {
    await rig?.close();
    await server?.stop();
  });

  it.each([200, 1000, 1700])(
    'loses nothing that was acknowledged and keeps nothing twice, killed after %d',
    async (after) => {
      const name = (n: number) => `evt_${after}_${n}`;
      const append = (n: number) =>
        rig.log.append(eventOf(name(n), { tenantId: tenant(n % TENANTS), objectId: `in_${n % 50}` }));
      await server.admin().flushall();

      const acknowledged = new Map<number, AppendOutcome>();
      let killing: Promise<void> | undefined;
      let next = 0;
      const failed: number[] = [];
      const worker = async () => {
        while (next < EVENTS) {
          const n = next++;
          try {
            acknowledged.set(n, await append(n));
          } catch (error) {
            if (!(error instanceof RedisUnavailableError)) throw error;
            failed.push(n);
          }
          if (acknowledged.size >= after) killing ??= server.kill9();
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
      await killing;
      // The kill hit calls that were under way: else nothing is shown.
      expect(failed.length).toBeGreaterThan(0);
      expect(acknowledged.size).toBeGreaterThanOrEqual(after);

      await server.start();
      await waitFor(() => rig.house.status.of('billingEvents').state === 'up', {
        what: 'the purpose to be up',
      });
      const kept = new Map((await everything()).map((entry) => [entry.eventId, entry]));
      for (const [n, { entryId }] of acknowledged) expect([n, kept.get(name(n))?.id]).toEqual([n, entryId]);

      const retried = new Map<number, AppendOutcome>();
      for (let n = 0; n < EVENTS; n += 1) retried.set(n, await append(n));
      for (const [n, outcome] of acknowledged)
        expect(retried.get(n)).toEqual({ ...outcome, duplicate: true });
      for (const [n, { duplicate }] of retried) expect([n, duplicate]).toEqual([n, kept.has(name(n))]);

      const all = await everything();
      expect(all).toHaveLength(EVENTS);
      expect(new Set(all.map(({ eventId }) => eventId)).size).toBe(EVENTS);
      for (let t = 0; t < TENANTS; t += 1) {
        const own = await rig.log.tenantPage(tenant(t), { count: 1000 });
        expect(own).toEqual(all.filter(({ tenantId }) => tenantId === tenant(t)));
        expect(own.map(({ tenantSequence }) => tenantSequence)).toEqual(own.map((_, at) => at + 1));
      }
    },
  );

  it('answers a reply that was lost with the entry that there is', async () => {
    await server.admin().flushall();
    const append = () => rig.log.append(eventOf('evt_lost'));
    await append();
    await server.admin().flushall();
    // The server runs the call and cannot answer in time; what it did then is found by asking again.
    await server.freeze();
    const lost = append();
    await expect(lost).rejects.toMatchObject({ maybeExecuted: true });
    server.thaw();
    await waitFor(async () => (await server.admin().xlen('billing:{b}:log')) === 1, {
      what: 'the call that was under way to be run',
    });
    await waitFor(() => rig.house.status.of('billingEvents').state === 'up', {
      what: 'the purpose to be up',
    });
    const [entry] = await rig.log.page({ count: 10 });
    expect(await append()).toEqual({ entryId: entry?.id, tenantSequence: 1, duplicate: true, stale: false });
    expect(await rig.log.page({ count: 10 })).toHaveLength(1);
  });

  async function everything(): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    for (;;) {
      const last = entries.at(-1)?.id;
      const page = await rig.log.page({ count: 500, ...(last && { after: last }) });
      entries.push(...page);
      if (page.length < 500) return entries;
    }
  }
});
