import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { BillingMarks, MARKS_DATABASE } from '../../src/billing/log/billing-marks.js';
import { LOG_KEY } from '../../src/billing/log/keys.js';
import type { LogIdentity } from '../../src/billing/log/log-scripts.js';
import { LogServer } from '../../src/billing/log/log-server.js';
import {
  RunIdWatch,
  type ServerChange,
  type ServerChangeListener,
} from '../../src/billing/log/run-id-watch.js';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type SqlHouse, openSqlHouse } from '../support/sql-house.js';
import { waitFor } from '../support/wait-for.js';

const MARK = 'log.identity';

describeReal('The watch over the server of the billing log', () => {
  let server: RedisServer;
  let house: Compartments;
  let sql: SqlHouse;
  const watches: RunIdWatch[] = [];
  beforeAll(async () => {
    server = await startRedisServer();
    sql = await openSqlHouse({ features: { [MARKS_DATABASE.name]: MARKS_DATABASE.connections } });
    house = await openCompartments(['billingEvents'], {
      BILLING_EVENTS_REDIS_URL: server.url(),
      REDIS_PROBE_INTERVAL_MS: '100ms',
      REDIS_RETRY_CAP_MS: '200ms',
    });
  });
  afterEach(() => {
    for (const watch of watches.splice(0)) watch.onModuleDestroy();
  });
  afterAll(async () => {
    await house?.close();
    await sql?.close();
    await server?.stop();
  });

  const db = () => sql.of(MARKS_DATABASE.name);
  const marks = () => new BillingMarks(db());
  const runId = async (): Promise<string> =>
    /run_id:(\w+)/.exec(await server.admin().info('server'))?.[1] ?? '';
  const logServer = () => new LogServer(house.lane('billingEvents', 'bulk'), house.status);
  const identity = async (): Promise<LogIdentity> => {
    const found = await logServer().identity();
    expect(found?.runId).toBe(await runId());
    return found!;
  };
  /** As it stands in SQL. */
  const marked = async () => {
    const { runId: run, birth } = await identity();
    return `${run}.${birth}`;
  };
  beforeEach(async () => {
    await db().run((tx) => tx.execute('delete from billing_marks'));
  });

  /** The watch of one process, and what it told. */
  function process(listen: ServerChangeListener = () => Promise.resolve('done')) {
    const told: ServerChange[] = [];
    const clock = new ManualClock();
    const watch = new RunIdWatch(logServer(), marks(), house.metrics, clock);
    watch.onChange(async (change) => {
      told.push(change);
      return await listen(change);
    });
    watches.push(watch);
    return { watch, told, clock };
  }

  /** How often changes were told, and how often that failed. */
  const outcomes = async () => {
    const { values } = await house.metrics.billingServerChanges.get();
    const of = (name: string) => values.find(({ labels }) => labels['outcome'] === name)?.value ?? 0;
    return { told: of('told'), failed: of('failed') };
  };

  const restarted = async (): Promise<void> => {
    await server.kill9();
    await server.start();
    await waitFor(() => house.status.of('billingEvents').state === 'up', { what: 'the purpose to be up' });
  };

  it('remembers the first run, and tells nothing of it', async () => {
    const { watch, told } = process();
    await watch.look();
    await watch.look();
    expect(told).toEqual([]);
    expect(await marks().read(MARK)).toMatchObject({ value: await marked() });
  });

  it('tells each restart once, with the run before it and when that was seen', async () => {
    const { watch, told } = process();
    await watch.look();
    const seen = await marks().read(MARK);
    for (let restart = 0; restart < 2; restart += 1) {
      const previous = await identity();
      await restarted();
      await watch.look();
      await watch.look();
      expect(told.splice(0)).toEqual([
        { previous, current: await identity(), lastSeenMs: expect.any(Number) },
      ]);
    }
    expect(await marks().read(MARK)).toMatchObject({ value: await marked() });
    expect((await marks().read(MARK))?.seenAtMs).toBeGreaterThan(seen?.seenAtMs ?? Infinity);
  });

  it('tells a restart while no process was running', async () => {
    const before = process();
    await before.watch.look();
    before.watch.onModuleDestroy();
    const previous = await identity();
    await restarted();
    const { watch, told } = process();
    await watch.look();
    expect(told).toMatchObject([{ previous }]);
  });

  it('tells it again until somebody has done the work, also after a restart of the process', async () => {
    const failing = process(() => Promise.reject(new Error('Stripe is away')));
    await failing.watch.look();
    await restarted();
    for (let look = 0; look < 3; look += 1)
      await expect(failing.watch.look()).rejects.toThrow('Stripe is away');
    expect(failing.told).toHaveLength(3);
    const next = process();
    await next.watch.look();
    await next.watch.look();
    expect(next.told).toEqual([failing.told[0]]);
    await failing.watch.look();
    expect(failing.told).toHaveLength(3);
  });

  it('tells it again where somebody else is at it, and counts no failure', async () => {
    let state: 'done' | 'later' = 'later';
    const { watch, told } = process(() => Promise.resolve(state));
    await watch.look();
    const counted = await outcomes();
    const previous = await marked();
    await restarted();
    await watch.look();
    await watch.look();
    expect(told).toHaveLength(2);
    expect(await marks().read(MARK)).toMatchObject({ value: previous });
    expect(await outcomes()).toEqual(counted);
    state = 'done';
    await watch.look();
    await watch.look();
    expect(told).toHaveLength(3);
    expect(await marks().read(MARK)).toMatchObject({ value: await marked() });
    expect(await outcomes()).toEqual({ ...counted, told: counted.told + 1 });
  });

  it('tells that the log is another one where its server goes on running, and nothing of one that was only trimmed', async () => {
    const [here, there] = [process(), process()];
    await here.watch.look();
    await there.watch.look();
    const previous = await identity();
    await server.admin().xadd(LOG_KEY, '*', 'x', 'y');
    await server.admin().xtrim(LOG_KEY, 'MAXLEN', 0);
    await Promise.all([here.watch.look(), there.watch.look()]);
    expect([here.told, there.told]).toEqual([[], []]);
    await server.admin().flushall();
    // Written anew before anybody has looked.
    await server.admin().xadd(LOG_KEY, '*', 'x', 'y');
    await Promise.all([here.watch.look(), there.watch.look()]);
    const current = await identity();
    expect(current.runId).toBe(previous.runId);
    expect(current.birth).not.toBe(previous.birth);
    for (const { told } of [here, there]) expect(told.slice(0, 1)).toMatchObject([{ previous, current }]);
    expect(await marks().read(MARK)).toMatchObject({ value: await marked() });
    for (const { watch, told } of [here, there, process()]) {
      const times = told.length;
      await watch.look();
      expect(told).toHaveLength(times);
    }
  });

  it('notices by itself when the server is back, and looks again after a while', async () => {
    let away = true;
    const { watch, told, clock } = process(() =>
      away ? Promise.reject(new Error('away')) : Promise.resolve('done'),
    );
    watch.onApplicationBootstrap();
    await waitFor(() => marks().read(MARK), { what: 'the first run to be remembered' });
    await restarted();
    await waitFor(() => told.length === 1, { what: 'the restart to be told' });
    away = false;
    await waitFor(
      () => {
        clock.advance(30_000);
        return told.length === 2;
      },
      { what: 'the restart to be told again' },
    );
    await waitFor(async () => (await marks().read(MARK))?.value === (await marked()), {
      what: 'the new run to be remembered',
    });
    expect(told).toHaveLength(2);
  });

  it('does not take back what another process has seen since', async () => {
    const [slow, fast] = [process(), process()];
    await slow.watch.look();
    const first = await marked();
    await restarted();
    const second = await marked();
    await fast.watch.look();
    await marks().replace(MARK, first, 'f'.repeat(40));
    expect(await marks().read(MARK)).toMatchObject({ value: second });
  });
});
