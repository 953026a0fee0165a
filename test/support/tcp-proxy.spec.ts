import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeReal } from './redis-availability.js';
import { startRedisServer, type RedisServer } from './redis-server.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { eventually, staysPending, waitFor } from './wait-for.js';

const SHORT_MS = 150;

describeReal('startTcpProxy', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  const clients: Redis[] = [];
  const sockets: Socket[] = [];

  beforeAll(async () => {
    server = await startRedisServer();
  });

  beforeEach(async () => {
    await server.admin().flushall();
    proxy = await startTcpProxy({ targetPort: server.port });
  });

  afterEach(async () => {
    for (const redis of clients.splice(0)) redis.disconnect();
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy.stop();
  });

  afterAll(() => server?.stop());

  async function client(commandTimeout = 5_000): Promise<Redis> {
    const redis = new Redis(server.url({ port: proxy.port }), {
      maxRetriesPerRequest: 0,
      retryStrategy: null,
      commandTimeout,
      lazyConnect: true,
    });
    redis.on('error', () => undefined);
    clients.push(redis);
    await redis.connect();
    return redis;
  }

  function rawSocket(): Socket {
    const socket = connect(proxy.port, proxy.host);
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  }

  it('forwards both ways and counts connections and bytes', async () => {
    const socket = rawSocket();
    socket.write('PING\r\n');
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(reply.toString()).toBe('+PONG\r\n');
    expect([proxy.bytesUp, proxy.bytesDown, proxy.bytesLost]).toEqual([6, 7, 0]);
    expect(proxy.connections).toEqual({ total: 1, open: 1 });
    socket.end();
    await waitFor(() => proxy.connections.open === 0, { what: 'the proxy to notice the end' });
  });

  it('forwards megabytes unharmed, also those that a black hole held back', async () => {
    const value = Buffer.alloc(8_000_000, 'bulkhead');
    const redis = await client();
    await proxy.blackHole();
    const written = redis.set('big', value);
    await expect(staysPending([written], 50)).resolves.toBe(true);
    await proxy.pass();
    await written;
    const received = await redis.getBuffer('big');
    expect(received?.equals(value)).toBe(true);
  });

  it('closes the client when the server goes away', async () => {
    const other = await startRedisServer();
    const between = await startTcpProxy({ targetPort: other.port });
    const socket = connect(between.port, between.host);
    socket.write('PING\r\n');
    await once(socket, 'data');
    const closed = eventually(socket, 'close');
    await other.kill9();
    await expect(closed).resolves.toBe('close');
    await between.stop();
    await other.stop();
  });

  it('a black hole silences live and new connections, and delivers what it held afterwards', async () => {
    const redis = await client();
    await proxy.blackHole();
    const waiting = redis.incr('counter');
    const newcomer = rawSocket();
    newcomer.write('PING\r\n');
    await once(newcomer, 'connect');
    await expect(staysPending([waiting, once(newcomer, 'data')])).resolves.toBe(true);
    await expect(server.admin().get('counter')).resolves.toBeNull();
    await proxy.pass();
    await expect(waiting).resolves.toBe(1);
  });

  it('a black hole hides that the server closed the connection', async () => {
    const redis = await client();
    const closed = eventually(redis, 'close');
    await proxy.blackHole();
    await server.admin().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await expect(staysPending([closed])).resolves.toBe(true);
    await proxy.pass();
    await expect(closed).resolves.toBe('close');
  });

  it('dropped replies leave the command executed once, and reset the connection when the fault ends', async () => {
    const redis = await client(SHORT_MS);
    await proxy.dropReplies();
    const closed = eventually(redis, 'close');
    await expect(redis.incr('counter')).rejects.toThrow('Command timed out');
    await waitFor(() => proxy.bytesLost > 0, { what: 'the reply to be lost' });
    await expect(server.admin().get('counter')).resolves.toBe('1');
    await proxy.pass();
    await closed;
    await expect((await client()).get('counter')).resolves.toBe('1');
  });

  it('refuses connections, ends live ones, and listens again on the same port', async () => {
    const redis = await client();
    await Promise.all([eventually(redis, 'close'), proxy.refuse()]);
    const [error] = (await once(rawSocket(), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    await proxy.pass();
    await expect((await client()).ping()).resolves.toBe('PONG');
  });

  it('resets live connections and accepts new ones', async () => {
    const socket = rawSocket();
    socket.write('PING\r\n');
    await once(socket, 'data');
    proxy.resetAll();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    await expect((await client()).ping()).resolves.toBe('PONG');
  });

  it('half-open leaves an open client socket that is never answered, not even after pass', async () => {
    const redis = await client(SHORT_MS);
    const id = await redis.client('ID');
    proxy.halfOpen();
    await waitFor(async () => !String(await server.admin().client('LIST')).includes(`id=${id} `), {
      what: 'the server to forget the connection',
    });
    await expect(redis.incr('counter')).rejects.toThrow('Command timed out');
    await proxy.pass();
    await expect(redis.incr('counter')).rejects.toThrow('Command timed out');
    expect(redis.status).toBe('ready');
    await expect(server.admin().get('counter')).resolves.toBeNull();
    await expect((await client()).ping()).resolves.toBe('PONG');
  });

  it('adds latency to each round trip without changing the order of replies', async () => {
    const redis = await client();
    await proxy.latency(60, 20);
    const startedAt = performance.now();
    const replies = await Promise.all([1, 2, 3, 4, 5].map((n) => redis.echo(String(n))));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(39);
    expect(replies).toEqual(['1', '2', '3', '4', '5']);
  });

  it('closes a connection in the middle of a reply', async () => {
    await proxy.closeAfterBytes(3);
    const socket = rawSocket();
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.write('PING\r\n');
    await eventually(socket, 'close');
    expect(received).toBe('+PO');
  });

  it('cuts both directions into slices that a client receives one by one', async () => {
    await proxy.sliceBytes(1);
    const socket = rawSocket();
    const chunks: string[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    socket.write('PING\r\n');
    await waitFor(() => chunks.join('') === '+PONG\r\n', { what: 'the whole reply' });
    expect(chunks.length).toBeGreaterThan(3);
    await expect((await client()).mget('a', 'b')).resolves.toEqual([null, null]);
  });

  it('takes any fault: a corrupted reply is one function', async () => {
    const redis = await client();
    const corrupt = (chunk: Buffer) => [
      { data: Buffer.from(chunk.map((byte) => (byte === 0x2b ? 0x3f : byte))) },
    ];
    await proxy.use({ name: 'corrupt', attach: () => ({ down: corrupt }) });
    expect(proxy.mode).toBe('corrupt');
    await expect(redis.ping()).rejects.toThrow(/Unknown RESP type/);
  });
});
