import { Controller, Get, Module, Res } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { createHttpApp } from '../../src/app.setup.js';
import { shutDown, shutdownSteps } from '../../src/app.shutdown.js';
import { ShutdownState } from '../../src/health/shutdown-state.js';
import { PURPOSES, type BuiltInPurpose } from '../../src/redis/index.js';
import { type RunningApplication, startApplication } from '../support/application.js';
import { NO_FEATURES } from '../support/no-features.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';

const PURPOSE_NAMES = Object.keys(PURPOSES) as BuiltInPurpose[];
const DEADLINE_MS = 3000;
/** Starting a process and a busy machine are not part of the promise. */
const NOISE_MS = 1000;

interface RawReply {
  raw: { writeHead(status: number, headers: Record<string, string>): void; write(text: string): void };
  hijack(): void;
}

@Controller('test')
class StreamController {
  /** A stream that nobody ends, as a feature that forgot to drain would leave it. */
  @Get('stream')
  stream(@Res() reply: RawReply): void {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.raw.write(': open\n\n');
  }

  @Get('slow')
  async slow(): Promise<{ done: true }> {
    await new Promise((resolve) => setTimeout(resolve, 400));
    return { done: true };
  }
}

@Module({ controllers: [StreamController] })
class StreamModule {}

describeReal('Shutdown', () => {
  let servers: RedisServer[];
  let proxies: TcpProxy[];
  beforeAll(async () => {
    servers = await Promise.all(PURPOSE_NAMES.map(() => startRedisServer({ appendonly: true })));
    proxies = await Promise.all(servers.map(({ port }) => startTcpProxy({ targetPort: port })));
  });
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await Promise.all(servers.map((server) => server.stop()));
  });

  const urls = () =>
    Object.fromEntries(
      PURPOSE_NAMES.map((name, n) => [`${PURPOSES[name].env}_URL`, `redis://127.0.0.1:${proxies[n]?.port}`]),
    );
  const everywhere = (change: (proxy: TcpProxy) => Promise<void>) => Promise.all(proxies.map(change));

  // First, before requests of other tests leave connections that are kept alive.
  it('leaves no connection to any server and no handle in the process', async () => {
    await everywhere((proxy) => proxy.pass());
    const before = await settledSockets();
    const { app } = await open();
    await app.close();
    await waitFor(() => sockets() === before, { what: `${before} sockets again` });
    const names = await Promise.all(
      servers.map(async (server) => String(await server.admin().call('CLIENT', 'LIST'))),
    );
    expect(names.join('\n')).not.toContain(`:${process.pid} `);
  });

  it.each([
    ['healthy', (proxy: TcpProxy) => proxy.pass()],
    ['refused', (proxy: TcpProxy) => proxy.refuse()],
    ['black-holed', (proxy: TcpProxy) => proxy.blackHole()],
  ] as const)('ends the process with 0 inside its budget with every Redis %s', async (_, fault) => {
    await everywhere((proxy) => proxy.pass());
    const app = await startApplication({
      ...urls(),
      APP_PROFILE: 'development',
      SHUTDOWN_DEADLINE_MS: `${DEADLINE_MS}ms`,
    });
    const answers = askOften(app);
    await everywhere(fault);
    await waitFor(() => answers.statuses.length > 10, { what: 'answers' });
    const started = performance.now();
    app.process.kill('SIGTERM');
    const { code } = await app.exit;
    const ms = performance.now() - started;
    await answers.stop();
    expect(code).toBe(0);
    expect(ms).toBeLessThan(DEADLINE_MS + NOISE_MS);
    expect(app.lines(/\bat .*\.js:\d+/)).toEqual([]);
  });

  it('answers what is under way, and fails readiness first', async () => {
    await everywhere((proxy) => proxy.pass());
    const { app, origin } = await open();
    const slow = fetch(`${origin}/v1/test/slow`);
    const begun = shutDown(steps(app), {
      deadlineMs: 3000,
      readinessDelayMs: 300,
      drainMs: 1700,
      quitMs: 1000,
    });
    const ready = await fetch(`${origin}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ status: 'shutting_down' });
    expect((await slow).status).toBe(200);
    expect(await begun).toBe(true);
    await expect(fetch(`${origin}/livez`)).rejects.toThrow(/fetch failed/);
  });

  it('ends inside its budget with a stream that nobody closes and every Redis black-holed', async () => {
    await everywhere((proxy) => proxy.pass());
    const { app, origin } = await open();
    const stream = await fetch(`${origin}/v1/test/stream`);
    expect(stream.status).toBe(200);
    await everywhere((proxy) => proxy.blackHole());
    const started = performance.now();
    const clean = await shutDown(steps(app), {
      deadlineMs: 2500,
      readinessDelayMs: 0,
      drainMs: 500,
      quitMs: 2000,
    });
    expect(clean).toBe(true);
    expect(performance.now() - started).toBeLessThan(2500 + NOISE_MS);
    await everywhere((proxy) => proxy.pass());
    await stream.text().catch(() => undefined);
  });

  async function open(): Promise<{ app: NestFastifyApplication; origin: string }> {
    const env = { APP_PROFILE: 'test', PORT: '0', LOG_LEVEL: 'fatal', ...urls() };
    const module = AppModule.register({ env, ...NO_FEATURES, imports: [StreamModule] });
    const app = await createHttpApp(module, { logger: false });
    await app.listen(0, '127.0.0.1');
    return { app, origin: await app.getUrl() };
  }
});

function steps(app: NestFastifyApplication) {
  return shutdownSteps(app, () => app.get(ShutdownState, { strict: false }).begin());
}

/** Requests that are in flight when the signal comes. */
function askOften({ origin }: RunningApplication) {
  const statuses: number[] = [];
  let going = true;
  const callers = Array.from({ length: 4 }, async () => {
    while (going) {
      await fetch(`${origin}/v1/isolation`).then(
        ({ status }) => statuses.push(status),
        () => new Promise((resolve) => setTimeout(resolve, 20)),
      );
    }
  });
  return {
    statuses,
    stop: async () => {
      going = false;
      await Promise.all(callers);
    },
  };
}

/** Sockets and listeners, which would keep the process alive. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS|Pipe)/.test(name)).length;
}

/** Starting the servers leaves connections that are just being closed. */
async function settledSockets(): Promise<number> {
  let seen = Number.NaN;
  const settled = () => {
    const before = seen;
    seen = sockets();
    return seen === before;
  };
  await waitFor(settled, { what: 'the sockets of the set-up to be closed', intervalMs: 100 });
  return seen;
}
