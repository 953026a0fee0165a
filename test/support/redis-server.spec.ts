import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import { describeReal } from './redis-availability.js';
import { startRedisServer, type RedisServer, type RedisServerOptions } from './redis-server.js';
import { staysPending } from './wait-for.js';

describeReal('startRedisServer', () => {
  const servers: RedisServer[] = [];
  const clients: Redis[] = [];

  async function start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = await startRedisServer(options);
    servers.push(server);
    return server;
  }

  function client(url: string): Redis {
    const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: null, commandTimeout: 2_000 });
    redis.on('error', () => undefined);
    clients.push(redis);
    return redis;
  }

  afterEach(async () => {
    for (const redis of clients.splice(0)) redis.disconnect();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('serves when it resolves, and persists nothing by default', async () => {
    const server = await start();
    await expect(client(server.url()).ping()).resolves.toBe('PONG');
    await expect(server.admin().config('GET', 'save')).resolves.toEqual(['save', '']);
    await expect(server.admin().config('GET', 'appendonly')).resolves.toEqual(['appendonly', 'no']);
  });

  it('selects the database of the URL and applies memory and client limits', async () => {
    const server = await start({
      databases: 3,
      maxmemory: '5mb',
      maxmemoryPolicy: 'allkeys-lru',
      maxclients: 20,
    });
    const redis = client(server.url({ db: 2 }));
    await redis.set('key', 'in 2');
    await expect(server.admin().get('key')).resolves.toBeNull();
    await expect(redis.config('GET', 'maxmemory')).resolves.toEqual(['maxmemory', '5242880']);
    await expect(redis.config('GET', 'maxmemory-policy')).resolves.toEqual([
      'maxmemory-policy',
      'allkeys-lru',
    ]);
    await expect(redis.config('GET', 'maxclients')).resolves.toEqual(['maxclients', '20']);
    await expect(redis.select(3)).rejects.toThrow('DB index is out of range');
  });

  it('passes extra arguments and lines of the configuration on', async () => {
    const server = await start({ extraArgs: ['--hz', '42'], configLines: ['timeout 77', 'port 0'] });
    await expect(server.admin().config('GET', 'hz', 'timeout', 'port')).resolves.toEqual(
      expect.arrayContaining(['42', '77', '0']),
    );
  });

  it('gives a node of a cluster a bus port of its own', async () => {
    const server = await start({ cluster: true });
    await expect(server.admin().info('cluster')).resolves.toContain('cluster_enabled:1');
    await expect(server.admin().config('GET', 'cluster-port')).resolves.toEqual([
      'cluster-port',
      String(server.busPort),
    ]);
    expect((await start()).busPort).toBeUndefined();
  });

  it('prepares the server after every start', async () => {
    const server = await start({ afterStart: (admin) => admin.set('started', '1', 'GET') });
    await expect(server.admin().get('started')).resolves.toBe('1');
    await server.admin().flushall();
    await server.restart();
    await expect(server.admin().get('started')).resolves.toBe('1');
  });

  it('asks for the password, which its URL carries', async () => {
    const server = await start({ requirepass: 'p@ss/word "1"' });
    await expect(client(server.url()).ping()).resolves.toBe('PONG');
    await expect(client(server.url({ password: '' })).ping()).rejects.toThrow('NOAUTH');
    await expect(server.admin().ping()).resolves.toBe('PONG');
  });

  it('enforces ACL users and keeps an administrator of its own', async () => {
    const server = await start({
      acl: ['user default off', 'user auth on >secret ~auth:* +@all -@dangerous +info'],
    });
    const auth = client(server.url({ username: 'auth', password: 'secret' }));
    await expect(auth.set('auth:1', 'x')).resolves.toBe('OK');
    await expect(auth.set('cache:1', 'x')).rejects.toThrow('NOPERM');
    await expect(auth.flushall()).rejects.toThrow('NOPERM');
    await expect(client(server.url()).ping()).rejects.toThrow('NOAUTH');
    await expect(server.admin().acl('WHOAMI')).resolves.toBe('test-admin');
    await server.restart();
    await expect(server.admin().get('auth:1')).resolves.toBeNull();
  });

  it('keeps AOF data over SIGKILL and a restart on the same port', async () => {
    const server = await start({ appendonly: true, appendfsync: 'always' });
    const admin = server.admin();
    await admin.set('survivor', 'yes');
    const { pid, port, dir } = server;
    await server.kill9();
    expect(server.running).toBe(false);
    await expect(client(server.url()).ping()).rejects.toThrow(/Connection is closed|max retries/);
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect([server.port, server.dir]).toEqual([port, dir]);
    await expect(client(server.url()).get('survivor')).resolves.toBe('yes');
    await expect(admin.get('survivor')).resolves.toBe('yes');
  });

  it('restarts in an orderly way while it runs, and keeps its directory while it is down', async () => {
    const server = await start({ appendonly: true });
    await server.admin().set('key', '1');
    await server.restart();
    await expect(server.admin().get('key')).resolves.toBe('1');
    await server.down();
    expect(existsSync(server.dir)).toBe(true);
    await server.start();
    await expect(server.admin().get('key')).resolves.toBe('1');
    await expect(server.start()).rejects.toThrow('already running');
  });

  it('is silent while frozen and answers the waiting command when thawed', async () => {
    const server = await start();
    const redis = client(server.url());
    await redis.ping();
    expect(server.serving).toBe(true);
    await server.freeze();
    expect([server.running, server.serving]).toEqual([true, false]);
    const waiting = redis.incr('counter');
    await expect(staysPending([waiting, server.admin().ping()])).resolves.toBe(true);
    server.thaw();
    await expect(waiting).resolves.toBe(1);
  });

  it('stops at once when frozen, and takes its temporary directory along', async () => {
    const server = await start();
    await server.freeze();
    const startedAt = performance.now();
    await server.stop();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(server.running).toBe(false);
    expect(existsSync(server.dir)).toBe(false);
  });

  it('leaves a directory alone that it was given, with a configuration only the owner can read', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bulkhead-kept-'));
    try {
      const server = await start({ dir, acl: [] });
      await server.stop();
      expect(statSync(join(dir, 'redis.conf')).mode & 0o777).toBe(0o600);
      expect(statSync(join(dir, 'users.acl')).mode & 0o777).toBe(0o600);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('rejects with the end of the log when the server does not start', async () => {
    await expect(start({ maxmemoryPolicy: 'no-such-policy' })).rejects.toThrow(
      /FATAL CONFIG FILE ERROR[^]*no-such-policy/,
    );
    await expect(start({ acl: ['user broken +nosuchcommand'] })).rejects.toThrow(/nosuchcommand/);
    const first = await start();
    await expect(start({ port: first.port })).rejects.toThrow(/already in use/i);
  });
});
