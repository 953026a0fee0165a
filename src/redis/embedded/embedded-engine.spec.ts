import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startEmbeddedEngine, type EmbeddedEngine } from './embedded-engine.js';
import { EmbeddedEngineMissingError, loadEngineLibrary } from './engine-library.js';

const clients: Redis[] = [];

async function clientOf({ host, port }: EmbeddedEngine): Promise<Redis> {
  const client: Redis = new Redis({
    host,
    port,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    disableClientInfo: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on('error', () => {});
  await client.connect();
  clients.push(client);
  return client;
}

/** What keeps the process alive, by kind. */
function handles(kind: string): number {
  return process.getActiveResourcesInfo().filter((name) => name === kind).length;
}

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

describe('startEmbeddedEngine', () => {
  it('starts and stops fifty times and leaves no handle behind', async () => {
    const before = { servers: handles('TCPServerWrap'), sockets: handles('TCPSocketWrap') };
    for (let round = 0; round < 50; round += 1) {
      const engine = await startEmbeddedEngine();
      const client = await clientOf(engine);
      expect(await client.eval("return redis.call('INCR', KEYS[1])", 1, 'n')).toBe(1);
      await engine.close();
      client.disconnect();
    }
    expect(handles('TCPServerWrap')).toBe(before.servers);
    await expect.poll(() => handles('TCPSocketWrap')).toBeLessThanOrEqual(before.sockets);
  });

  it('does not keep the process alive while it runs', async () => {
    const before = handles('TCPServerWrap');
    const engine = await startEmbeddedEngine();
    expect(handles('TCPServerWrap')).toBe(before);
    await engine.close();
  });

  it('keeps four instances apart: data, scripts, clients and run_id', async () => {
    const engines = await Promise.all(Array.from({ length: 4 }, () => startEmbeddedEngine()));
    const lanes = await Promise.all(engines.map(clientOf));
    await Promise.all(lanes.map((client, at) => client.set('who', String(at))));
    const [first] = lanes;
    const sha = String(await first?.script('LOAD', 'return 1'));
    expect(await Promise.all(lanes.map((client) => client.get('who')))).toEqual(['0', '1', '2', '3']);
    expect(await Promise.all(lanes.map((client) => client.script('EXISTS', sha)))).toEqual([
      [1],
      [0],
      [0],
      [0],
    ]);
    await first?.flushall();
    expect(await Promise.all(lanes.map((client) => client.dbsize()))).toEqual([0, 1, 1, 1]);
    const infos = await Promise.all(lanes.map((client) => client.info()));
    expect(new Set(infos.map((info) => /run_id:(\w{40})/.exec(info)?.[1])).size).toBe(4);
    expect(new Set(engines.map(({ port }) => port)).size).toBe(4);
    await Promise.all(engines.map((engine) => engine.close()));
  });

  it('runs scripts of several instances at the same time', async () => {
    const engines = await Promise.all(Array.from({ length: 4 }, () => startEmbeddedEngine()));
    const lanes = await Promise.all(engines.map(clientOf));
    const source = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
    const sent = lanes.flatMap((client) => Array.from({ length: 50 }, () => client.eval(source, 1, 'n', 2)));
    await Promise.all(sent);
    expect(await Promise.all(lanes.map((client) => client.get('n')))).toEqual(['100', '100', '100', '100']);
    await Promise.all(engines.map((engine) => engine.close()));
  });

  it('closes with open connections and blocked reads, twice without harm', async () => {
    const engine = await startEmbeddedEngine();
    const idle = await clientOf(engine);
    const blocked = await Promise.all(Array.from({ length: 5 }, () => clientOf(engine)));
    const waiting = blocked.map((client) =>
      client.xread('BLOCK', 0, 'STREAMS', 'x', '$').catch(() => 'ended'),
    );
    await idle.ping();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const startedAt = performance.now();
    await Promise.all([engine.close(), engine.close()]);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 5 }, () => 'ended'));
    await expect(clientOf(engine)).rejects.toThrow('Connection is closed');
    await engine.close();
  });

  it('closes while a reply of many megabytes waits for a reader that does not read', async () => {
    const engine = await startEmbeddedEngine();
    const client = await clientOf(engine);
    await client.set('large', Buffer.alloc(4 * 1024 * 1024));
    const stalled = connect(engine.port, engine.host).pause();
    stalled.on('error', () => {});
    stalled.write('GET large\r\n'.repeat(20));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const startedAt = performance.now();
    await engine.close();
    expect(performance.now() - startedAt).toBeLessThan(1000);
    stalled.destroy();
  });

  it('listens on the loopback address only', async () => {
    const engine = await startEmbeddedEngine();
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of outside) {
      const refused = await new Promise((resolve) => {
        const socket = connect(engine.port, address, () => resolve('connected'));
        socket.on('error', () => resolve('refused')).on('close', () => socket.destroy());
        socket.setTimeout(500, () => socket.destroy(new Error('no answer')));
      });
      expect(refused).toBe('refused');
    }
    expect(engine.host).toBe('127.0.0.1');
    await engine.close();
  });

  it('prints nothing', async () => {
    const outputs = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
    const engine = await startEmbeddedEngine();
    const client = await clientOf(engine);
    await client.eval('error("oops")', 0).catch(() => {});
    // Reset by the engine, where that closes before it has read all.
    const malformed = connect(engine.port, engine.host).on('error', () => undefined);
    malformed.end('*1\r\n$x\r\n');
    await new Promise((resolve) => setTimeout(resolve, 20));
    await engine.close();
    const written = outputs.map((output) => output.mock.calls.length);
    for (const output of outputs) output.mockRestore();
    expect(written).toEqual([0, 0]);
  });
});

describe('loadEngineLibrary', () => {
  it('says what to do when the package is not installed', async () => {
    const missing = Object.assign(new Error("Cannot find package 'js-redis-server'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const failure = await loadEngineLibrary(() => Promise.reject(missing)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EmbeddedEngineMissingError);
    expect(failure).toMatchObject({ code: 'EMBEDDED_ENGINE_MISSING', cause: missing });
    expect(String(failure)).toMatch(/not installed.*REDIS_URL.*npm ci/);
  });

  it('does not hide another failure', async () => {
    const broken = new SyntaxError('broken package');
    await expect(loadEngineLibrary(() => Promise.reject(broken))).rejects.toBe(broken);
  });
});
