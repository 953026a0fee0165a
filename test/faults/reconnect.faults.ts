import { afterEach, beforeEach, expect, it } from 'vitest';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Settings } from '../../src/config/index.js';
import { systemClock } from '../../src/kernel/time.js';
import { createCompartment } from '../../src/redis/compartment-factory.js';
import type { Compartment } from '../../src/redis/compartment.js';
import { ReconnectAllowance } from '../../src/redis/reconnect-allowance.js';
import { planPurposes } from '../../src/redis/redis-plan.js';
import { Metrics } from '../../src/telemetry/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { ConnectLog } from './support/connect-log.js';
import { PURPOSE_NAMES } from './support/house.js';

const CLIENTS = 300;
const OUTAGE_MS = 4000;
/** How long a link that flaps stays up. */
const UP_MS = 60;
const FLAPPING_MS = process.env.FAULTS === 'full' ? 10_000 : 4000;
/** Of the sampling of the event loop. */
const RESOLUTION_MS = 5;

describeReal('Reconnecting', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let log: ConnectLog;
  const closers: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    server = await startRedisServer({ maxclients: 2000 });
    proxy = await startTcpProxy({ targetPort: server.port });
    log = new ConnectLog();
    await proxy.use(log.fault);
  });
  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()));
    await proxy.stop();
    await server.stop();
  });

  it('of 300 instances that lost one server together is spread out', async () => {
    const fleet = await openFleet();
    await waitFor(() => fleet.every(({ up }) => up), { what: 'the fleet to be up', timeoutMs: 20_000 });
    await proxy.refuse();
    await waitFor(() => fleet.every(({ up }) => !up), { what: 'the fleet to be down' });
    await sleep(OUTAGE_MS);
    log.moments.length = 0;
    const stalls = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    stalls.enable();
    const healedMs = performance.now();
    await proxy.use(log.fault);
    await waitFor(() => fleet.every(({ up }) => up), { what: 'the fleet to be back', timeoutMs: 10_000 });
    const backMs = performance.now() - healedMs;
    stalls.disable();
    const stallMs = stalls.max / 1e6 - RESOLUTION_MS;
    const bins = log.bins(100);
    process.stdout.write(
      `  ${CLIENTS} instances after ${OUTAGE_MS} ms: ${log.moments.length} connects, per 100 ms ${bins.join(' ')}; ` +
        `most in any 100 ms ${log.most(100)}, all back after ${backMs.toFixed(0)} ms, ` +
        `this process stood still for ${stallMs.toFixed(0)} ms at most\n`,
    );
    expect(log.moments.length).toBeGreaterThanOrEqual(CLIENTS);
    // All instances live in this process: what falls due while it stands still connects in one moment.
    expect(Math.max(...bins)).toBeLessThan(40 * (1 + stallMs / 100));
    expect(backMs).toBeLessThan(3000);
  });

  it('over a link that flaps stays below 25 connects a second, with all purposes on that link', async () => {
    const core = await openOn({ REDIS_URL: server.url({ port: proxy.port }) });
    expect(log.moments).toHaveLength(6);
    const endFlapping = flap();
    await sleep(FLAPPING_MS);
    endFlapping();
    process.stdout.write(
      `  flapping link, connects per second: ${log.bins(1000).join(' ')}; most in any second ${log.most(1000)}\n`,
    );
    // It did try: the bound is none of a lane that gave up.
    expect(log.moments.length).toBeGreaterThan(30);
    expect(log.most(1000)).toBeLessThanOrEqual(25);
    await allUp(core);
  });

  it('is quick after a single loss, also while the link of another purpose flaps', async () => {
    const other = await startTcpProxy({ targetPort: server.port });
    closers.push(() => other.stop());
    const core = await openOn({
      REDIS_URL: server.url({ port: proxy.port }),
      SECURITY_TOKEN_REDIS_URL: server.url({ port: other.port }),
    });
    const endFlapping = flap();
    await sleep(1500);
    other.resetAll();
    await waitFor(() => core.status.of('securityTokens').state !== 'up', { what: 'the loss', intervalMs: 1 });
    const lostMs = performance.now();
    await waitFor(() => core.status.of('securityTokens').state === 'up', {
      what: 'the return',
      intervalMs: 1,
    });
    const awayMs = performance.now() - lostMs;
    endFlapping();
    process.stdout.write(`  securityTokens back after ${awayMs.toFixed(0)} ms while the others flap\n`);
    expect(awayMs).toBeLessThan(500);
  });

  /** Cuts the link again and again; until it is called, or to the end of the test. */
  function flap(): () => void {
    const timer = setInterval(() => proxy.resetAll(), UP_MS);
    const end = () => clearInterval(timer);
    closers.push(() => Promise.resolve(end()));
    return end;
  }

  /** Each instance is a process of its own as far as reconnecting goes: one compartment, all of the allowance. */
  async function openFleet(): Promise<Compartment[]> {
    const env = { RATE_LIMIT_REDIS_URL: server.url({ port: proxy.port }) };
    const template = await openOn(env, ['rateLimit']);
    const settings = template.app.get(Settings, { strict: false });
    const [plan] = planPurposes(['rateLimit'], {}, settings, env).planned;
    const parts = { settings, metrics: new Metrics(), clock: systemClock };
    if (!plan) throw new Error('rateLimit cannot be planned');
    const fleet = Array.from({ length: CLIENTS }, () =>
      createCompartment(plan, { ...parts, reconnects: new ReconnectAllowance(systemClock) }),
    );
    closers.push(() => Promise.all(fleet.map((compartment) => compartment.close(0))));
    await template.close();
    for (const compartment of fleet) compartment.open();
    return fleet;
  }

  async function openOn(env: Record<string, string>, purposes = PURPOSE_NAMES): Promise<Compartments> {
    const core = await openCompartments(purposes, env);
    closers.push(() => core.close());
    await allUp(core);
    return core;
  }
});

async function allUp({ status }: Compartments): Promise<void> {
  await waitFor(() => status.all().every(({ state }) => state === 'up'), {
    what: 'all compartments up',
    timeoutMs: 10_000,
  });
}
