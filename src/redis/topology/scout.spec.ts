import { type Server, type Socket, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../kernel/time.js';
import { LiveAccess } from '../live-access.js';
import { type Informant, converse } from './scout.js';

/** A listener whose answers a test writes itself; `tls` clients wait in vain for a handshake. */
describe('converse', () => {
  let server: Server;
  let sockets: Socket[];
  let onData: (socket: Socket) => void;

  beforeEach(async () => {
    sockets = [];
    onData = () => undefined;
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('data', () => onData(socket)).on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  function informant(more: Partial<Informant> = {}): Informant {
    const { port } = server.address() as { port: number };
    const access = new LiveAccess({}, {});
    return {
      address: { host: '127.0.0.1', port },
      tls: false,
      access,
      timeoutMs: 50,
      clock: systemClock,
      ...more,
    };
  }

  it('gives the answer', async () => {
    onData = (socket) => socket.write('+PONG\r\n');
    expect(await converse(informant({ timeoutMs: 5000 }), (ask) => ask('PING'))).toBe('PONG');
  });

  it('gives a server up that accepts the connection and says nothing', async () => {
    const silent = { reason: 'timeout', message: 'the server accepted the connection but did not answer' };
    await expect(converse(informant(), (ask) => ask('PING'))).rejects.toMatchObject(silent);
  });

  it('gives a server up that does not finish the TLS handshake', async () => {
    const unfinished = { reason: 'timeout', message: 'the server did not answer in time' };
    await expect(converse(informant({ tls: true }), (ask) => ask('PING'))).rejects.toMatchObject(unfinished);
  });

  it('reads what came during a pause of its own process before it gives a server up', async () => {
    onData = (socket) => {
      socket.write('+PONG\r\n');
      // Client and server are one process here: it stands still until all the time is over.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    };
    expect(await converse(informant(), (ask) => ask('PING'))).toBe('PONG');
  });

  it('ends when its owner closes, and does not begin after that', async () => {
    const closing = new AbortController();
    onData = () => closing.abort();
    const asked = () =>
      converse(informant({ signal: closing.signal, timeoutMs: 60_000 }), (ask) => ask('PING'));
    await expect(asked()).rejects.toMatchObject({ name: 'HandshakeError', reason: 'reset' });
    expect(sockets.length).toBe(1);
    await expect(asked()).rejects.toMatchObject({ name: 'HandshakeError', reason: 'reset' });
    expect(sockets.length).toBe(1);
  });
});
