import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { facts, pause, refused, replies, send } from './support/commands.js';
import { withEngine } from './support/engine.js';

const fields = (text: unknown, pattern: RegExp): Record<string, string> =>
  Object.fromEntries([...String(text).matchAll(pattern)].map(([, name = '', value = '']) => [name, value]));

withEngine('Connection', (engine) => {
  facts(engine, {
    'PING answers PONG': [['PING', 'PONG']],
    'PING answers its message': [[['PING', 'hello there'], 'hello there']],
    'ECHO answers its message': [['ECHO hi', 'hi']],
    'TIME is two numbers': [['TIME', [expect.anything(), expect.anything()]]],
    'WAIT without replicas is 0 at once': [['WAIT 0 100', 0]],
    'ROLE is a master without replicas': [['ROLE', ['master', expect.any(Number), []]]],
    'SELECT refuses a database that does not exist': [['SELECT 99', refused('ERR DB index is out of range')]],
    'SELECT refuses what is not a number': [
      ['SELECT x', refused('ERR value is not an integer or out of range')],
    ],
    'an unknown command is refused with its arguments': [
      ['NOPE a b', refused("ERR unknown command 'NOPE', with args beginning with: 'a' 'b' ")],
    ],
    'AUTH with a user that does not exist is refused': [
      ['AUTH nobody secret', refused('WRONGPASS invalid username-password pair or user is disabled.')],
    ],
    'AUTH without a configured password is refused': [
      [
        'AUTH secret',
        refused(
          'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
        ),
      ],
    ],
    'ACL WHOAMI is the default user': [['ACL WHOAMI', 'default']],
    'CONFIG GET answers the eviction policy': [
      ['CONFIG GET maxmemory-policy', expect.arrayContaining(['noeviction'])],
    ],
    'a client name with a space is refused': [
      [
        ['CLIENT', 'SETNAME', 'a b'],
        refused('ERR Client names cannot contain spaces, newlines or special characters.'),
      ],
    ],
    'DBSIZE counts the keys': [
      ['DBSIZE', 0],
      ['MSET a 1 b 2', 'OK'],
      ['DBSIZE', 2],
    ],
    'the start of a lane: name, database, proof of identity, write probe': [
      [`CLIENT SETNAME bulkhead:rateLimit:command:${hostname()}:${process.pid}`, 'OK'],
      ['SELECT 3', 'OK'],
      [
        'CLIENT INFO',
        expect.stringMatching(/ name=bulkhead:rateLimit:command:\S+ .*db=3 .*user=default .*resp=3/),
      ],
      ['SET rl:__probe x PX 10000', 'OK'],
      ['SELECT 0', 'OK'],
      ['EXISTS rl:__probe', 0],
    ],
    'the proof of rights: MULTI, the allowed commands, DISCARD': [
      ['CLIENT ID', expect.any(Number)],
      [['CALL', 'MULTI'], 'OK'],
      [['CALL', 'SET', 'rl:__probe', 'x'], 'QUEUED'],
      [['CALL', 'EVALSHA', 'ffffffffffffffffffffffffffffffffffffffff', '1', 'rl:__probe'], 'QUEUED'],
      [['CALL', 'DISCARD'], 'OK'],
      ['EXISTS rl:__probe', 0],
    ],
  });

  it('HELLO 3 names the server, the protocol and the role', async () => {
    const reply = await send(engine.redis, 'HELLO 3');
    const answer = Array.isArray(reply) ? reply : Object.entries(reply as object).flat();
    expect(answer).toEqual(
      expect.arrayContaining(['server', 'redis', 'proto', 3, 'role', 'master', 'standalone']),
    );
  });

  it('HELLO with a wrong user is refused, with the default user it is not', async () => {
    const client = await engine.connect();
    expect(await send(client, 'HELLO 3 AUTH nobody secret')).toEqual(
      refused('WRONGPASS invalid username-password pair or user is disabled.'),
    );
    expect(await send(client, 'HELLO 3 AUTH default secret')).not.toEqual(
      expect.objectContaining({ message: '' }),
    );
    expect(await send(client, 'HELLO 9')).toEqual(refused('NOPROTO unsupported protocol version'));
  });

  it('CLIENT INFO has the fields that a lane verifies', async () => {
    const client = await engine.connect({ connectionName: 'bulkhead:test', db: 2 });
    const info = fields(await client.client('INFO'), /(\S+?)=(\S*)/g);
    expect(info).toMatchObject({ name: 'bulkhead:test', db: '2', user: 'default', resp: '3', flags: 'N' });
    expect(info['laddr']).toBe(`127.0.0.1:${engine.port}`);
    expect(info['id']).toMatch(/^\d+$/);
  });

  it('INFO has the fields that a purpose verifies', async () => {
    const info = fields(await engine.redis.info(), /^(\w+):(.*?)\r?$/gm);
    expect(info).toMatchObject({
      redis_version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      redis_mode: 'standalone',
      run_id: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
      tcp_port: String(engine.port),
      role: 'master',
      connected_slaves: '0',
      master_replid: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
      loading: '0',
      aof_enabled: '0',
      maxmemory: '0',
      maxmemory_policy: 'noeviction',
      cluster_enabled: '0',
    });
  });

  it('INFO of one section holds that section only', async () => {
    const text = await engine.redis.info('replication');
    expect(text).toMatch(/^# Replication\r\nrole:master\r\n/);
    expect(text).not.toContain('redis_version');
  });

  it('INFO keeps its run_id between calls', async () => {
    const read = async (): Promise<string | undefined> =>
      /run_id:(\w+)/.exec(await engine.redis.info('server'))?.[1];
    expect(await read()).toBe(await read());
  });

  it('each connection has its own database and name', async () => {
    const other = await engine.connect({ db: 1, connectionName: 'other' });
    await other.set('only-there', '1');
    expect(await replies(engine.redis, 'EXISTS only-there', 'CLIENT GETNAME')).not.toContain('other');
    expect(await engine.redis.exists('only-there')).toBe(0);
    expect(await other.client('GETNAME')).toBe('other');
  });

  it('QUIT answers everything that was sent before it', async () => {
    const client = await engine.connect();
    const sent = Array.from({ length: 500 }, () => client.incr('n'));
    expect(await client.quit()).toBe('OK');
    expect((await Promise.all(sent)).at(-1)).toBe(500);
  });

  it('commands sent before a disconnect are carried out', async () => {
    const client = await engine.connect();
    const sent = client.pipeline();
    for (let at = 0; at < 500; at += 1) sent.incr('n');
    const outcome = sent.exec().catch(() => null);
    client.disconnect();
    await outcome;
    await expect.poll(() => engine.redis.get('n'), { timeout: 5000 }).toBe('500');
  });

  it('five hundred callers at once each get their own answer', async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, (_, at) => engine.redis.echo(`m${at}`)));
    expect(answers).toEqual(Array.from({ length: 500 }, (_, at) => `m${at}`));
  });

  it('a message published is delivered to its subscriber without a stall', async () => {
    const subscriber = await engine.connect();
    await subscriber.subscribe('channel');
    const delays: number[] = [];
    for (let at = 0; at < 10; at += 1) {
      const received = new Promise((resolve) =>
        subscriber.once('message', (_channel, text) => resolve(text)),
      );
      const sentAt = performance.now();
      expect(await engine.redis.publish('channel', `m${at}`)).toBe(1);
      expect(await received).toBe(`m${at}`);
      delays.push(performance.now() - sentAt);
      await pause(2);
    }
    expect(Math.min(...delays)).toBeLessThan(25);
  });
});
