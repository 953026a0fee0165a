import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/kernel/manual-clock.js';
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
    expect(proxy.connections).toEqual({ total: 1, open: 1, turnedAway: 0 });
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
    const socket = connect(between.port, between.host).on('error', () => undefined);
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

  it('carries no more bytes per second than it may, in each direction', async () => {
    const redis = await client();
    await proxy.bandwidth(50_000);
    const value = 'x'.repeat(10_000);
    const started = performance.now();
    await redis.set('big', value);
    const written = performance.now();
    await expect(redis.get('big')).resolves.toBe(value);
    expect(written - started).toBeGreaterThanOrEqual(199);
    expect(performance.now() - written).toBeGreaterThanOrEqual(199);
  });

  it('shares its bandwidth among connections', async () => {
    const both = await Promise.all([client(), client()]);
    await proxy.bandwidth(50_000);
    const started = performance.now();
    await Promise.all(both.map((redis) => redis.echo('x'.repeat(5_000))));
    expect(performance.now() - started).toBeGreaterThanOrEqual(199);
  });

  it('inverts bytes of replies, which arrive in full, and of no request', async () => {
    const socket = rawSocket();
    socket.write('SET key value\r\n');
    await once(socket, 'data');
    await proxy.corrupt({ everyNth: 4 });
    socket.write('GET key\r\n');
    const [reply] = (await once(socket, 'data')) as [Buffer];
    const sound = Buffer.from('$5\r\nvalue\r\n');
    expect([...reply].map((byte, at) => byte === sound[at])).toEqual(
      [...sound].map((_, at) => (at + 1) % 4 !== 0),
    );
    expect(proxy.bytesLost).toBe(0);
  });

  it('resets connections beyond the cap and leaves those alone that were there before', async () => {
    const redis = await client();
    await proxy.capConnections(1);
    const [error] = (await once(rawSocket(), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    await expect(redis.ping()).resolves.toBe('PONG');
    expect(proxy.connections).toEqual({ total: 1, open: 1, turnedAway: 1 });
    redis.disconnect();
    await waitFor(() => proxy.connections.open === 0, { what: 'a free place' });
    await expect((await client()).ping()).resolves.toBe('PONG');
    await proxy.pass();
    await expect((await client()).ping()).resolves.toBe('PONG');
  });

  it('takes any fault: a lost request is one function', async () => {
    const redis = await client(SHORT_MS);
    await proxy.use({ name: 'deaf', attach: () => ({ up: () => [] }) });
    expect(proxy.mode).toBe('deaf');
    await expect(redis.incr('counter')).rejects.toThrow('Command timed out');
    await expect(server.admin().get('counter')).resolves.toBeNull();
  });

  describe('that flaps', () => {
    const periods = { upMs: 300, downMs: 200 };
    const clock = new ManualClock();

    beforeEach(async () => {
      await proxy.stop();
      proxy = await startTcpProxy({ targetPort: server.port, clock });
    });

    it('is down at once, resets what is open and what comes, and is up when its time has come', async () => {
      const socket = rawSocket();
      await once(socket, 'connect');
      await waitFor(() => proxy.connections.open === 1, { what: 'the connection to be let in' });
      await proxy.flap(periods);
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      expect(error.code).toBe('ECONNRESET');
      clock.advance(199);
      await expect(client()).rejects.toThrow(/closed|ECONNRESET/);
      expect(proxy.connections.turnedAway).toBe(1);
      clock.advance(1);
      const redis = await client();
      await expect(redis.ping()).resolves.toBe('PONG');
      clock.advance(299);
      await expect(redis.ping()).resolves.toBe('PONG');
      const closed = eventually(redis, 'close');
      clock.advance(1);
      await expect(closed).resolves.toBe('close');
      expect(proxy.mode).toBe('flap');
    });

    it.each(['pass', 'flap'] as const)('ends with %s', async (next) => {
      await proxy.flap(periods);
      await proxy[next]({ upMs: 10_000, downMs: 0 });
      clock.advance(1);
      const redis = await client();
      clock.advance(5_000);
      await expect(redis.ping()).resolves.toBe('PONG');
    });
  });
});
