import { once } from 'node:events';
import { type ServerResponse, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fastify } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { letGo } from './let-go.js';

const app = fastify();
afterEach(() => {
  app.server.closeAllConnections();
  return app.close();
});

async function collected(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  }
}

it('keeps nothing of the request while the answer goes on, which still ends in order', async () => {
  const requests: WeakRef<object>[] = [];
  const responses: ServerResponse[] = [];
  // As Nest's adapter does: from then on Fastify waits for the end of every answer.
  app.addHook('onResponse', (_request, _reply, done) => done());
  app.get('/', (request, reply) => {
    requests.push(new WeakRef(request), new WeakRef(reply));
    responses.push(reply.raw);
    reply.hijack();
    reply.raw.writeHead(200, { 'x-told': 'once' });
    reply.raw.flushHeaders();
    letGo(reply.raw);
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const headers = { authorization: 'Bearer secret' };
  const [answer] = await once(get({ port, agent: false, headers }), 'response');
  await collected();
  expect(requests.map((one) => one.deref() === undefined)).toEqual([true, true]);
  const [response = expect.fail('nothing was served')] = responses;
  expect([response.req.headers, response.req.rawHeaders]).toEqual([{}, []]);
  expect([response.headersSent, Reflect.get(response, '_header')]).toEqual([true, 'sent']);
  expect(answer.headers).toMatchObject({ 'x-told': 'once', 'transfer-encoding': 'chunked' });
  expect(() => response.setHeader('x-told', 'twice')).toThrow('after they are sent');
  const ended = once(response, 'close');
  response.end('over');
  expect(await once(answer.setEncoding('utf8'), 'data')).toEqual(['over']);
  await ended;
  expect(response.writableFinished).toBe(true);
});
