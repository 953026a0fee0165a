import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEAD_LETTERS_KEY, LOG_KEY, PROJECTOR_GROUP } from '../../src/billing/log/keys.js';
import { Projection } from '../../src/billing/projector/projection.js';
import { StreamGroup } from '../../src/queue/index.js';
import { systemClock } from '../../src/kernel/time.js';
import { LogRig, tenant } from '../contract/billing-log.rig.js';
import { type OwnBuild, createOwnBuild } from '../support/own-build.js';
import { freshDatabase } from '../support/postgres.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { seededRandom } from '../support/seeded-random.js';
import { type SqlHouse, openSqlHouse } from '../support/sql-house.js';
import { waitFor } from '../support/wait-for.js';
import { eventsOf, fold, shuffled, sorted } from './billing/object-events.js';
import { ProjectingProcess } from './billing/projecting-process.js';

const KILLS = 10;
const EVENTS = 2000;
const OBJECTS = 40;
const TENANTS = 2;

describeReal('An application that is killed while it projects', () => {
  let build: OwnBuild;
  let redis: RedisServer;
  let sql: SqlHouse;
  let rig: LogRig;
  let env: Record<string, string>;
  beforeAll(async () => {
    build = createOwnBuild('billing-projector');
    redis = await startRedisServer({ appendonly: true });
    const url = await freshDatabase();
    sql = await openSqlHouse({ url, features: { billing: 2 } });
    rig = await LogRig.open(redis.url());
    env = {
      REDIS_URL: redis.url(),
      DATABASE_URL: url,
      // The least: a process that comes after one that was killed waits for no longer.
      BILLING_PROJECTOR_LEASE: '1s',
      BILLING_EVENTS_REDIS_COMMAND_MS: '5s',
    };
  });
  afterAll(async () => {
    await rig?.close();
    await sql?.close();
    await redis?.stop();
    build?.remove();
  });

  it(`ten times, at random moments or in the middle of its work, has applied ${EVENTS} entries as if it had never been killed`, async () => {
    const random = seededRandom(Date.now());
    const group = new StreamGroup({
      client: rig.house.lane('billingEvents', 'bulk'),
      key: LOG_KEY,
      group: PROJECTOR_GROUP,
      deadLetters: DEAD_LETTERS_KEY,
      clock: systemClock,
    });
    const sources = Array.from({ length: TENANTS }, (_, n) => ({ tenantId: tenant(n + 1), name: `t${n}` }));
    const events = shuffled(
      sources.flatMap((source) => eventsOf(source, EVENTS / TENANTS, OBJECTS / TENANTS)),
      random,
    );
    const perRound = EVENTS / KILLS;
    const holdsSome = async () => (await group.position()).pending > 0;
    let hadSome = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const process = await ProjectingProcess.start(build, env);
      const round = events.slice(kill * perRound, (kill + 1) * perRound);
      const appending = round.map((event) => rig.log.append(event));
      // At any moment, or as soon as it is seen to work: it is often done with all of them before the first one.
      if (kill % 2 === 0) await new Promise((resolve) => setTimeout(resolve, random() * 600));
      else await waitFor(holdsSome, { what: 'entries in its hands', timeoutMs: 60_000, intervalMs: 1 });
      await process.kill9();
      await Promise.all(appending);
      if (await holdsSome()) hadSome += 1;
    }

    const last = await ProjectingProcess.start(build, env);
    const done = async () => {
      const { lag, pending } = await group.position();
      return lag + pending === 0;
    };
    await waitFor(done, { what: 'the rest to be applied', timeoutMs: 60_000 });
    await last.stop();

    // Or nothing was shown: some were killed with entries in their hands.
    console.log(`${hadSome} of ${KILLS} were killed with entries that they had not settled`);
    expect(hadSome).toBeGreaterThan(0);
    const client = rig.house.client('billingEvents');
    expect(await client.xlen(LOG_KEY)).toBe(EVENTS);
    expect(await client.xrange(DEAD_LETTERS_KEY, '-', '+')).toEqual([]);
    const projection = new Projection(sql.of('billing'));
    for (const { tenantId } of sources) {
      const { truncated, ...state } = await projection.stateOf(tenantId);
      expect(truncated).toBe(false);
      expect(sorted(state)).toEqual(fold(events.filter((event) => event.tenantId === tenantId)));
    }
  });

  it('in an orderly way hands back, so that the next one goes on at once', async () => {
    const patient = { ...env, BILLING_PROJECTOR_LEASE: '10m' };
    const source = { tenantId: tenant(9), name: 'o' };
    const events = eventsOf(source, 600, 6);
    const first = await ProjectingProcess.start(build, patient);
    const appending = events.map((event) => rig.log.append(event));
    await first.stop();
    await Promise.all(appending);
    const next = await ProjectingProcess.start(build, patient);
    const projection = new Projection(sql.of('billing'));
    const expected = fold(events);
    const equal = async () => {
      const { truncated: _none, ...state } = await projection.stateOf(source.tenantId);
      return JSON.stringify(sorted(state)) === JSON.stringify(expected);
    };
    await waitFor(equal, { what: 'all to be applied, long before any lease ends', timeoutMs: 30_000 });
    await next.stop();
    const consumers = JSON.stringify(await redis.admin().xinfo('CONSUMERS', LOG_KEY, PROJECTOR_GROUP));
    // Who ended in order is forgotten; its name has its number.
    for (const { pid } of [first, next]) expect(consumers).not.toContain(`-${pid}-`);
  });
});
