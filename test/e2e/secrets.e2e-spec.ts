import { tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PURPOSES, type PurposeRedis, RedisStatus, aclRule, getRedisToken } from '../../src/redis/index.js';
import { Metrics } from '../../src/telemetry/index.js';
import { createTestCertificates } from '../support/certificates.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { refusalOf, start } from './misconfiguration/attempt.js';
import { Printed } from './secrets/printed.js';

type Client = PurposeRedis<'authCache'>;

const PASSWORD = 'canary-password-1';
const USER = 'canary-user';
const KEY = 'auth:canary-key';
const VALUE = 'canary-value';

describeReal('a secret is in nothing that can be printed', () => {
  const printed = new Printed();
  const log: string[] = [];
  let server: RedisServer;
  let proxy: TcpProxy;
  let app: NestFastifyApplication;
  let client: Client;

  beforeAll(async () => {
    const rule = aclRule({ user: USER, definition: PURPOSES.authCache, db: 0 });
    server = await startRedisServer({
      acl: ['user default on nopass ~* &* +@all', rule.replace('>PASSWORD', `>${PASSWORD}`)],
    });
    proxy = await startTcpProxy({ targetPort: server.port });
    app = await start(environment(proxy.port), log);
    client = app.get<Client>(getRedisToken('authCache'), { strict: false });
  });

  /** Every path leaves the compartment as it found it: up, through a proxy that passes. */
  afterEach(async () => {
    await server.admin().config('SET', 'maxmemory', '0');
    await server.admin().call('ACL', 'SETUSER', USER, '+get', '+set', '+lpush');
    await proxy.pass();
    await waitFor(() => app.get(RedisStatus, { strict: false }).of('authCache').state === 'up', {
      what: 'authCache to be up again',
    });
  });

  afterAll(async () => {
    await app.close();
    await proxy.stop();
    await server.stop();
    console.info(`Secrets: ${printed.leaks.length} leaks in ${printed.count} printed objects`);
  });

  function environment(port: number, password = PASSWORD, user = USER): Record<string, string> {
    return {
      APP_PROFILE: 'test',
      REDIS_URL: server.url(),
      REDIS_START_DEADLINE_MS: '3s',
      REDIS_PROBE_INTERVAL_MS: '100ms',
      AUTH_CACHE_REDIS_URL: `redis://${user}:${password}@127.0.0.1:${port}`,
    };
  }

  /** Keeps what the call failed with; a call that succeeds is a broken test. */
  async function failureOf(call: () => Promise<unknown>): Promise<unknown> {
    try {
      await call();
    } catch (error) {
      printed.add(error);
      return error;
    }
    throw new Error('The call succeeded');
  }

  describe('when a call fails because', () => {
    it('the right is missing', async () => {
      await server.admin().call('ACL', 'SETUSER', USER, '-get');
      const error = await failureOf(() => client.get(KEY));
      expect(error).toMatchObject({ name: 'RedisUnavailableError', reason: 'noperm' });
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('the right is missing inside a script', async () => {
      await server.admin().call('ACL', 'SETUSER', USER, '-get');
      await failureOf(() => client.eval("return redis.call('GET', KEYS[1] .. ARGV[1])", 1, KEY, VALUE));
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('the memory is full', async () => {
      await server.admin().config('SET', 'maxmemory', '1');
      const error = await failureOf(() => client.set(KEY, VALUE));
      expect(error).toMatchObject({ reason: 'oom', maybeExecuted: false });
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('the key is of another type', async () => {
      await client.set(KEY, VALUE);
      const error = await failureOf(() => client.lpush(KEY, VALUE));
      expect(error).toMatchObject({ name: 'RedisCommandError', serverCode: 'WRONGTYPE' });
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('an argument is wrong', async () => {
      await failureOf(() => client.call('SET', KEY, VALUE, 'canary-option'));
      await failureOf(() => client.call('HSET', KEY, VALUE));
      await failureOf(() => client.call('EXPIRE', KEY, 'canary-seconds'));
      await failureOf(() => client.call('EVAL', 'return 1', 'canary-count', KEY));
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('the purpose has no such command', async () => {
      await failureOf(() => client.call('NOSUCH', KEY, VALUE));
      await failureOf(() => client.call('AUTH', USER, PASSWORD));
      await failureOf(() => client.call('SCRIPT', 'canary-subcommand', VALUE));
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('the key is of another purpose', async () => {
      await failureOf(() => client.get('st:canary-key'));
      await failureOf(() => client.set(Buffer.from('st:canary-key'), Buffer.from(VALUE)));
      expect(printed.freshLeaks()).toEqual([]);
    });

    it.each([
      ['raises its argument', 'error(ARGV[1])'],
      ['raises a table', 'return error({ err = "ERR " .. ARGV[1] })'],
      ['returns its argument as an error', "return redis.error_reply('ERR refused ' .. ARGV[1])"],
      ['calls what is not there', "return redis.call('NOSUCH', ARGV[1])"],
      ['calls with too few arguments', "return redis.call('SET', KEYS[1])"],
      ['calls on the wrong type', "return redis.call('LPUSH', KEYS[1], ARGV[1])"],
      ['raises its key', 'error(KEYS[1])'],
    ])('a script %s', async (_, script) => {
      await client.set(KEY, VALUE);
      await failureOf(() => client.eval(script, 1, KEY, VALUE));
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('a script is not known', async () => {
      const sha = '0'.repeat(40);
      expect(await failureOf(() => client.evalsha(sha, 1, KEY, VALUE))).toMatchObject({
        serverCode: 'NOSCRIPT',
      });
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('no answer comes', async () => {
      await proxy.blackHole();
      const error = await failureOf(() => client.set(KEY, VALUE));
      expect(error).toMatchObject({ name: 'RedisUnavailableError', reason: 'timeout', maybeExecuted: true });
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('the connection is lost', async () => {
      await proxy.dropReplies();
      const call = failureOf(() => client.set(KEY, VALUE));
      await waitFor(() => proxy.bytesLost > 0, { what: 'the reply to be lost' });
      proxy.resetAll();
      expect(await call).toMatchObject({ name: 'RedisUnavailableError', maybeExecuted: true });
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('nothing listens any more', async () => {
      await proxy.refuse();
      await waitFor(() => app.get(RedisStatus, { strict: false }).of('authCache').state === 'down', {
        what: 'authCache to be down',
      });
      await failureOf(() => client.set(KEY, VALUE));
      printed.add(app.get(RedisStatus, { strict: false }).of('authCache'), { except: USER });
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('the password was changed on the server', async () => {
      await server.admin().call('ACL', 'SETUSER', USER, 'resetpass', '>canary-another');
      proxy.resetAll();
      const status = app.get(RedisStatus, { strict: false });
      await waitFor(() => status.of('authCache').reason === 'auth', { what: 'the password to be refused' });
      await failureOf(() => client.set(KEY, VALUE));
      printed.add(status.of('authCache'), { except: USER });
      await server.admin().call('ACL', 'SETUSER', USER, 'resetpass', `>${PASSWORD}`);
      expect(printed.freshLeaks()).toEqual([]);
    });
  });

  describe('when several calls go together', () => {
    it('and one of a pipeline fails', async () => {
      await client.set(KEY, VALUE);
      const results = await client.pipeline().lpush(KEY, VALUE).set(KEY, VALUE, 'EX', -1).exec();
      expect(results?.every(([error]) => error?.name === 'RedisCommandError')).toBe(true);
      for (const [error] of results ?? []) printed.add(error);
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('and one of a transaction fails at its turn', async () => {
      await client.set(KEY, VALUE);
      const results = await client.multi().set(KEY, VALUE).lpush(KEY, VALUE).exec();
      printed.add(results?.[1]?.[0]);
      expect(results?.[1]?.[0]).toMatchObject({ serverCode: 'WRONGTYPE' });
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('and a transaction is aborted by what the server refused to queue', async () => {
      await server.admin().call('ACL', 'SETUSER', USER, '-lpush');
      const error = await failureOf(() => client.multi().set(KEY, VALUE).lpush(KEY, VALUE).exec());
      expect(Reflect.get(error as object, 'previousErrors')).toHaveLength(1);
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('and the guard refuses one of them', async () => {
      const pipeline = client.pipeline().set(KEY, VALUE);
      expect(() => pipeline.set('st:canary-key', VALUE)).toThrow('was not sent');
      await failureOf(() => pipeline.exec());
      printed.add(pipeline);
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('and no answer comes', async () => {
      await proxy.blackHole();
      const results = await client.pipeline().set(KEY, VALUE).get(KEY).exec();
      for (const [error] of results ?? []) printed.add(error);
      expect(results).toHaveLength(2);
      expect(printed.freshLeaks()).toEqual([]);
    });
  });

  describe('when the application does not start because', () => {
    it('the password is wrong', async () => {
      printed.add((await refusalOf(environment(server.port, 'canary-wrong'))).everything);
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('the user is unknown', async () => {
      printed.add((await refusalOf(environment(server.port, PASSWORD, 'canary-nobody'))).everything);
      expect(printed.freshLeaks()).toEqual([]);
    });

    it('the authority is unknown', async () => {
      const { ca, server: certificate } = await createTestCertificates();
      const secured = await startRedisServer({ tls: { ...certificate, ca }, requirepass: PASSWORD });
      try {
        const { everything } = await refusalOf({
          ...environment(server.port),
          AUTH_CACHE_REDIS_URL: secured.url({ username: USER, password: PASSWORD }),
        });
        printed.add(everything);
        expect(printed.freshLeaks()).toEqual([]);
      } finally {
        await secured.stop();
      }
    });
  });

  it('however a client is printed', () => {
    expect(inspect(client, { depth: 10, showHidden: true })).toBe('LaneClient(authCache:command, usable)');
    printed.add(client);
    printed.add(inspect(client, { depth: 10, showHidden: true, customInspect: false }), { except: USER });
    expect(printed.freshLeaks()).toEqual([]);
  });

  it('whoever prints the state or the metrics', async () => {
    const status = app.get(RedisStatus, { strict: false });
    expect(status.of('authCache').user).toBe(USER);
    printed.add(status.all(), { except: USER });
    printed.add(await app.get(Metrics, { strict: false }).registry.metrics());
    expect(printed.freshLeaks()).toEqual([]);
  });

  it('whoever follows the tracing channel of the client library', async () => {
    const traced: unknown[] = [];
    const channel = tracingChannel('ioredis:command');
    const follow = {
      // Not the test's own administrator.
      asyncEnd: (context: { command: string }) => void (context.command === 'ACL' || traced.push(context)),
    };
    channel.subscribe(follow as never);
    await server.admin().call('ACL', 'SETUSER', USER, 'resetpass', '>canary-another');
    proxy.resetAll();
    await waitFor(() => inspect(traced, { depth: 5 }).includes('WRONGPASS'), { what: 'a refused greeting' });
    await server.admin().call('ACL', 'SETUSER', USER, 'resetpass', `>${PASSWORD}`);
    channel.unsubscribe(follow as never);
    printed.add(traced);
    expect(printed.freshLeaks()).toEqual([]);
  });

  it('whatever was logged meanwhile', () => {
    expect(log.length).toBeGreaterThan(0);
    printed.add(log.join('\n'), { except: USER });
    expect(printed.freshLeaks()).toEqual([]);
  });
});
