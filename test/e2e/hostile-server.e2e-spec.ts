import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

/** Bytes that a server slips in, and what they would do to a client that trusts it. */
const INTRUSIONS: readonly [string, string][] = [
  ['a null that nobody asked for', '$-1\r\n'],
  ['a null array', '*-1\r\n'],
  ['a surplus answer', '+OK\r\n'],
  ['a push that makes a subscriber of the client', '>3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n'],
  ['a push of nothing', '>1\r\n$-1\r\n'],
  ['a null of RESP 3', '_\r\n'],
  ['an array that would fill the memory', '*33554400\r\n'.repeat(12)],
  ['the beginning of an answer', '$5\r\nhe'],
];

describeReal('A server that breaks the protocol', () => {
  let server: RedisServer;
  let link: Intruder;
  let core: Compartments;
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);

  beforeAll(async () => {
    process.on('unhandledRejection', note).on('uncaughtException', note);
    server = await startRedisServer();
    link = await Intruder.before(server.port);
    core = await openCompartments(['rateLimit', 'authCache'], {
      RATE_LIMIT_REDIS_URL: `redis://127.0.0.1:${link.port}`,
      AUTH_CACHE_REDIS_URL: server.url(),
      // A link that is lost again and again waits as long as this; here that is what is tested.
      REDIS_RETRY_CAP_MS: '100ms',
    });
  });
  afterAll(async () => {
    await core.close();
    link.stop();
    await server.stop();
    process.off('unhandledRejection', note).off('uncaughtException', note);
  });

  const backUp = () =>
    waitFor(() => core.status.of('rateLimit').state === 'up', { what: 'rateLimit to be back' });

  it.each(INTRUSIONS)('by %s loses its connection and nothing else', async (_, bytes) => {
    await backUp();
    const connections = link.total;
    link.inject(bytes);
    await waitFor(() => link.total > connections, { what: 'a new connection' });
    await backUp();
    expect(core.status.of('authCache').state).toBe('up');
    expect(unhandled).toEqual([]);
  });

  it('never has its surplus answer taken for the answer to another call', async () => {
    await backUp();
    const client = core.client('rateLimit');
    await Promise.all(['a', 'b', 'c'].map((name) => client.set(`rl:${name}`, name)));
    for (let round = 0; round < 20; round += 1) {
      await backUp();
      link.beforeNextReply('$5\r\nEXTRA\r\n');
      const answers = await Promise.allSettled(['a', 'b', 'c'].map((name) => client.get(`rl:${name}`)));
      const wrong = answers.filter((answer, index) => {
        if (answer.status === 'rejected') return !(answer.reason instanceof RedisUnavailableError);
        return answer.value !== 'abc'[index];
      });
      expect(wrong).toEqual([]);
    }
  });
});

describeReal('A server whose answers come byte by byte', () => {
  it('keeps its connection', async () => {
    const server = await startRedisServer();
    const link = await Intruder.before(server.port);
    const core = await openCompartments(['rateLimit'], {
      RATE_LIMIT_REDIS_URL: `redis://127.0.0.1:${link.port}`,
      REDIS_PROBE_INTERVAL_MS: '60s',
    });
    try {
      const connections = link.total;
      const client = core.client('rateLimit');
      link.inBytes = true;
      const calls: readonly (readonly [() => Promise<unknown>, unknown])[] = [
        [() => client.set('rl:a', 'x'), 'OK'],
        [() => client.get('rl:a'), 'x'],
        [() => client.get('rl:none'), null],
        [() => client.pttl('rl:a'), -1],
        [() => client.hmget('rl:h', 'f', 'g'), [null, null]],
        [() => client.zrange('rl:z', '0', '-1'), []],
      ];
      for (const [call, answer] of calls) {
        expect(await call()).toEqual(answer);
        // The caller has its answer before the last byte, which comes while nothing else is asked.
        await link.sending;
      }
      expect(link.total).toBe(connections);
      expect(core.status.of('rateLimit').state).toBe('up');
    } finally {
      await core.close();
      link.stop();
      await server.stop();
    }
  });
});

/** Passes bytes both ways and can put some of its own in front of the client. */
class Intruder {
  total = 0;
  /** Answers go on one byte at a time. */
  inBytes = false;
  /** Until the last byte of the last answer has been written. */
  sending = Promise.resolve();
  private readonly sockets = new Set<Socket>();
  private before = '';

  private constructor(private readonly listener: Server) {}

  static async before(target: number): Promise<Intruder> {
    const { connect } = await import('node:net');
    const listener = createServer();
    const intruder = new Intruder(listener);
    listener.on('connection', (client) => {
      intruder.total += 1;
      intruder.sockets.add(client);
      const upstream = connect(target, '127.0.0.1');
      client.setNoDelay();
      client.pipe(upstream);
      upstream.on('data', (data) => {
        const bytes = Buffer.concat([Buffer.from(intruder.before), data]);
        intruder.before = '';
        intruder.sending = intruder.sending.then(() =>
          intruder.inBytes ? writeInBytes(client, bytes) : void client.write(bytes),
        );
      });
      for (const socket of [client, upstream]) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          intruder.sockets.delete(client);
          client.destroy();
          upstream.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    return intruder;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  inject(bytes: string): void {
    for (const socket of this.sockets) socket.write(bytes);
  }

  beforeNextReply(bytes: string): void {
    this.before = bytes;
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.listener.close();
  }
}

/** With a turn of the event loop between two, so that the client in this process reads each by itself. */
async function writeInBytes(socket: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
