import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import {
  Controller,
  type DynamicModule,
  Get,
  Header,
  MessageEvent,
  Module,
  Post,
  Res,
  Sse,
} from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { NEVER, type Observable, concat, of } from 'rxjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { createHttpApp } from '../../src/app.setup.js';
import type { Environment } from '../../src/config/index.js';
import { RateLimitModule, StreamQuota, StreamQuotaError, StreamQuotas } from '../../src/rate-limit/index.js';
import { Metrics } from '../../src/telemetry/index.js';
import { StreamClients } from '../support/event-stream.js';
import { NO_FEATURES } from '../support/no-features.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';

let served = 0;
const gate = new EventEmitter();

@Controller('streams')
class StreamController {
  @Sse('chat')
  @StreamQuota('chat')
  chat(): Observable<MessageEvent> {
    served += 1;
    return concat(of({ data: 'hello' }), NEVER);
  }

  /** Answers when the test says so. */
  @Post('slow')
  async slow(): Promise<void> {
    await once(gate, 'release');
  }

  @Get('raw')
  @StreamQuota('chat')
  raw(@Res() reply: FastifyReply): void {
    reply.hijack();
    reply.raw.writeHead(200, { ...(reply.getHeaders() as object), 'content-type': 'text/event-stream' });
    reply.raw.write(': open\n\n');
  }

  @Get('twice')
  @StreamQuota('chat')
  @StreamQuota('chat')
  @Header('content-type', 'text/plain')
  twice(): string {
    return 'short';
  }

  @Get('broken')
  @StreamQuota('chat')
  broken(): never {
    throw new Error('before anything was sent');
  }

  @Get('guarded')
  @StreamQuota('guarded' as 'chat')
  guarded(): string {
    return 'counted';
  }
}

@Module({ imports: [RateLimitModule], controllers: [StreamController] })
class StreamModule {}

@Controller('misspelt')
class MisspeltController {
  @Get()
  @StreamQuota('caht' as 'chat')
  misspelt(): string {
    return '';
  }
}

@Module({ imports: [RateLimitModule], controllers: [MisspeltController] })
class MisspeltModule {}

describeReal('A route with a stream quota', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let app: NestFastifyApplication;
  let origin: string;
  const clients = new StreamClients();

  async function boot(
    imports: NonNullable<DynamicModule['imports']>,
    more: Environment = {},
  ): Promise<NestFastifyApplication> {
    const env = {
      APP_PROFILE: 'test',
      LOG_LEVEL: 'fatal',
      RATE_LIMIT_REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
      RATE_LIMIT_REDIS_COMMAND_MS: '2000',
      ...more,
    };
    const user = ({ headers }: { headers: Record<string, unknown> }) => headers['x-user']?.toString();
    const rateLimit = {
      extractors: { user: { known: 'arrival', of: user } },
      streamQuotas: { guarded: { concurrent: [{ per: 'ip', streams: 1 }], outage: 'deny' } },
    } as const;
    return createHttpApp(AppModule.register({ env, ...NO_FEATURES, imports, rateLimit }), { logger: false });
  }

  beforeEach(async () => {
    served = 0;
    server = await startRedisServer();
    proxy = await startTcpProxy({ targetPort: server.port });
    app = await boot([StreamModule]);
    await app.listen(0, '127.0.0.1');
    origin = `${await app.getUrl()}/v1/streams`;
  });
  afterEach(async () => {
    clients.closeAll();
    await proxy.pass();
    await app.close();
    await proxy.stop();
    await server.stop();
  });

  const open = (path: string, user?: string, signal?: AbortSignal) =>
    clients.open(`${origin}/${path}`, user === undefined ? {} : { 'x-user': user }, signal);

  const leases = async () => {
    const keys = await server.admin().keys('rl:{g}:c:*');
    return (await Promise.all(keys.map((key) => server.admin().zcard(key)))).reduce((sum, n) => sum + n, 0);
  };
  const leasesAre = (count: number) =>
    waitFor(async () => (await leases()) === count, { what: `${count} leases in Redis` });
  const openHere = async () => {
    const text = await app.get(Metrics, { strict: false }).registry.metrics();
    return /^rate_limit_streams_open\{quota="chat"\} (\d+)$/m.exec(text)?.[1];
  };

  it.each(['chat', 'raw'])('counts from the handler to the end of the connection (%s)', async (path) => {
    const streams = await Promise.all(Array.from({ length: 5 }, () => open(path, 'ann')));
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(streams[0]?.headers['content-type']).toContain('text/event-stream');
    expect([await leases(), await openHere()]).toEqual([5, '5']);
    expect((await open(path, 'ann')).status).toBe(429);
    expect((await open(path, 'bob')).status).toBe(200);

    streams[0]?.close();
    await leasesAre(5);
    expect((await open(path, 'ann')).status).toBe(200);
    expect((await open(path, 'ann')).status).toBe(429);
  });

  it('says on both answers how many there may be, beside what its other limits say', async () => {
    const { headers } = await open('chat', 'ann');
    expect(headers['ratelimit-policy']).toMatch(
      /^"default";q=300;w=60, "stream-connect";q=60;w=60, "chat-user";q=5;qu="concurrent-requests"$/,
    );
    expect(headers['ratelimit']).toMatch(
      /^"default";r=\d+;t=\d+, "stream-connect";r=19;t=\d+, "chat-user";r=4$/,
    );

    for (let n = 0; n < 4; n += 1) await open('chat', 'ann');
    const denied = await open('chat', 'ann');
    expect(denied.status).toBe(429);
    expect(denied.headers['ratelimit-policy']).toBe('"chat-user";q=5;qu="concurrent-requests"');
    expect(denied.headers['ratelimit']).toBe('"chat-user";r=0');
    const seconds = Number(denied.headers['retry-after']);
    expect(seconds).toBeGreaterThan(40);
    expect(seconds).toBeLessThanOrEqual(45);
    expect(await denied.problem()).toMatchObject({
      type: '/problems/quota-exceeded',
      'violated-policies': ['chat-user'],
      retry_after: seconds,
    });
  });

  it('counts who is not known by his address', async () => {
    for (let n = 0; n < 5; n += 1) expect((await open('chat')).status).toBe(200);
    const denied = await open('chat');
    expect(await denied.problem()).toMatchObject({ 'violated-policies': ['chat-ip'] });
    expect((await open('chat', 'ann')).status).toBe(200);
  });

  it('limits how often streams are opened, however soon they are closed', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 25 }, async (_, n) => {
        const { status, close } = await open('chat', `user-${n}`);
        close();
        return status;
      }),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    const denied = await open('chat', 'ann');
    expect(await denied.problem()).toMatchObject({ 'violated-policies': ['stream-connect'] });
    await leasesAre(0);
  });

  it('frees its place once, whether the handler answers at once, throws, or is guarded twice', async () => {
    for (let n = 0; n < 6; n += 1) {
      expect((await open('twice', 'ann')).status).toBe(200);
      expect((await open('broken', 'ann')).status).toBe(500);
    }
    await leasesAre(0);
    expect(await openHere()).toBe('0');
  });

  it('runs no handler for a client that left while it was counted, and keeps no place for it', async () => {
    await open('chat', 'ann');
    expect(served).toBe(1);
    await proxy.latency(100);
    const abort = new AbortController();
    const left = open('chat', 'ann', abort.signal).then(
      () => 'answered',
      () => 'left',
    );
    await waitFor(async () => (await leases()) === 2, { what: 'the second place to be taken' });
    abort.abort();
    expect(await left).toBe('left');
    await leasesAre(1);
    expect([served, await openHere()]).toEqual([1, '1']);
  });

  it('keeps no place for answers that wait behind another one when their connection ends', async () => {
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write('POST /v1/streams/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    socket.write('GET /v1/streams/chat HTTP/1.1\r\nHost: x\r\nX-User: ann\r\n\r\n'.repeat(5));
    try {
      await waitFor(async () => (await openHere()) === '5', { what: 'five places that are taken' });
      socket.destroy();
      await leasesAre(0);
      expect(await openHere()).toBe('0');
    } finally {
      socket.destroy();
      gate.emit('release');
    }
  });

  it('is 503 without Redis where its quota lets nobody pass uncounted', async () => {
    expect((await open('guarded')).status).toBe(200);
    await proxy.refuse();
    const denied = await open('guarded');
    expect([denied.status, denied.headers['retry-after']]).toEqual([503, '1']);
    expect(await denied.problem()).toMatchObject({
      type: '/problems/temporary-reduced-capacity',
      'violated-policies': ['guarded-ip'],
    });
  });

  it('is counted by the process alone with RATE_LIMIT_BACKEND=memory, and Redis hears nothing of it', async () => {
    const memory = await boot([StreamModule], { RATE_LIMIT_BACKEND: 'memory', RATE_LIMIT_INSTANCES: '2' });
    await memory.listen(0, '127.0.0.1');
    const url = `${await memory.getUrl()}/v1/streams/chat`;
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await clients.open(url, { 'x-user': 'ann' })).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(await leases()).toBe(0);
    clients.closeAll();
    await memory.close();
  });

  it('refuses to start where nobody knows the quota', async () => {
    const failure = await boot([MisspeltModule]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StreamQuotaError);
    expect(String(failure)).toContain(
      '@StreamQuota on MisspeltController.misspelt: there is no stream quota "caht"',
    );
  });

  it('shares its quota with code that opens streams by itself', async () => {
    const streams = app.get(StreamQuotas, { strict: false });
    const held = await Promise.all(Array.from({ length: 5 }, () => streams.open('chat', { user: 'ann' })));
    expect((await open('chat', 'ann')).status).toBe(429);
    held[0]?.lease?.close();
    await leasesAre(4);
    expect((await open('chat', 'ann')).status).toBe(200);
  });
});
