import { once } from 'node:events';
import { type AddressInfo, type Socket, connect } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endUnusedConnections } from './unused-connections.js';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

let instance: FastifyInstance;
let sockets: Socket[];
let answer: () => void;
beforeEach(async () => {
  sockets = [];
  instance = fastify();
  endUnusedConnections(instance);
  const answered = new Promise<void>((resolve) => (answer = resolve));
  instance.get('/', async () => 'at once');
  instance.get('/slow', async () => {
    await answered;
    return 'in the end';
  });
  await instance.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  answer();
  for (const socket of sockets) socket.destroy();
  await instance.close();
});

/** A connection, its end in the server, and what came over it. */
async function open() {
  const accepted = once(instance.server, 'connection') as Promise<[Socket]>;
  const socket = connect((instance.server.address() as AddressInfo).port, '127.0.0.1');
  const seen = { text: '' };
  socket.on('data', (data: Buffer) => (seen.text += data.toString()));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  sockets.push(socket);
  const [[there]] = await Promise.all([accepted, once(socket, 'connect')]);
  return { socket, there, seen, closed };
}

describe('endUnusedConnections', () => {
  it('ends what nothing was ever asked over, so that the close waits for nobody', async () => {
    const all = [await open(), await open(), await open()];
    await instance.close();
    await Promise.all(all.map(({ closed }) => closed));
    expect(instance.server.listening).toBe(false);
  });

  it('leaves an answer that is under way alone', async () => {
    const [asked, idle] = [await open(), await open()];
    const arrived = once(instance.server, 'request');
    asked.socket.write(REQUEST.replace(' / ', ' /slow '));
    await arrived;
    const over = instance.close();
    await idle.closed;
    expect(asked.seen.text).toBe('');
    answer();
    await over;
    await asked.closed;
    expect(asked.seen.text).toMatch(/^HTTP\/1\.1 200 [\s\S]*in the end$/);
  });

  it('waits for the rest of a request', async () => {
    const [half, idle] = [await open(), await open()];
    half.socket.write(REQUEST.slice(0, 10));
    await expect.poll(() => half.there.bytesRead).toBe(10);
    const over = instance.close();
    await idle.closed;
    half.socket.write(REQUEST.slice(10));
    await over;
    await half.closed;
    expect(half.seen.text).toMatch(/^HTTP\/1\.1 /);
  });
});
