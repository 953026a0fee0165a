import 'reflect-metadata';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../kernel/time.js';
import { Metrics } from '../telemetry/index.js';
import { furnishHttpDoor } from './http-door.js';
import { hasEnded, onRequestEnd } from './request-end.js';

let app: NestFastifyApplication;
const lines: Record<string, unknown>[] = [];
const ended: string[] = [];
const served: { request: FastifyRequest; reply: FastifyReply }[] = [];

beforeAll(async () => {
  const module = await Test.createTestingModule({ providers: [Metrics] }).compile();
  const log = (_message: string, fields: Record<string, unknown>) => void lines.push(fields);
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), {
    bodyParser: false,
    logger: { log, error: log, warn: log },
  });
  const metrics = app.get(Metrics);
  furnishHttpDoor(app, { metrics, clock: systemClock, quietRoutes: [], followRequests: false });
  const instance = app.getHttpAdapter().getInstance();
  const note = (request: FastifyRequest, reply: FastifyReply) => {
    served.push({ request, reply });
    onRequestEnd(request, reply, () => ended.push(request.url));
  };
  instance.get('/stream', (request, reply) => {
    note(request, reply);
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.raw.write(': open\n\n');
  });
  instance.get('/short/:n', (request, reply) => {
    note(request, reply);
    return 'short';
  });
  await app.listen(0, '127.0.0.1');
});
afterAll(() => app.close());
beforeEach(() => {
  for (const list of [lines, ended, served]) list.splice(0);
});

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
function dial(text: string) {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  // Cut by either end, as some of these are.
  socket.on('error', () => undefined);
  return socket;
}

it('comes once for each request of a connection that is kept', async () => {
  const socket = dial(get('/short/1') + get('/short/2'));
  await expect.poll(() => ended).toEqual(['/short/1', '/short/2']);
  socket.destroy();
  await expect.poll(() => served.every(({ request }) => request.raw.socket.closed)).toBe(true);
  expect(ended).toHaveLength(2);
  expect(lines.map(({ aborted }) => aborted)).toEqual([undefined, undefined]);
});

it('comes with the connection for answers that wait behind another one, and they are in the log', async () => {
  const socket = dial(get('/stream') + Array.from({ length: 20 }, (_, n) => get(`/short/${n}`)).join(''));
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  await expect.poll(() => served.length).toBe(21);
  expect(ended).toEqual([]);
  socket.destroy();
  await expect.poll(() => lines.length).toBe(21);
  expect(new Set(ended).size).toBe(21);
  expect(lines.filter(({ route, aborted }) => route === '/short/:n' && aborted === true)).toHaveLength(20);
  expect(served.every(({ request, reply }) => hasEnded(request, reply))).toBe(true);
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

it('comes at once where the connection is closed already', async () => {
  const socket = dial(get('/stream'));
  await once(socket, 'data');
  socket.destroy();
  await expect.poll(() => ended).toEqual(['/stream']);
  const [{ request, reply } = expect.fail('nothing was served')] = served;
  await expect.poll(() => request.raw.socket.closed).toBe(true);
  onRequestEnd(request, reply, () => ended.push('late'));
  expect(ended).toEqual(['/stream', 'late']);
});
