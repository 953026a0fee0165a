import 'reflect-metadata';
import { type AddressInfo, connect } from 'node:net';
import { Body, Controller, Get, Param, Post, Res } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Type } from 'class-transformer';
import { IsEmail, IsInt, ValidateNested } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../kernel/time.js';
import { Metrics } from '../telemetry/index.js';
import { createFastifyAdapter } from './fastify-adapter.js';
import { furnishHttpDoor } from './http-door.js';
import { HttpSettings } from './http.config.js';
import { BodyLimit } from './route.decorators.js';

class Item {
  @IsInt()
  count!: number;
}

class Order {
  @IsEmail()
  email!: string;

  @ValidateNested()
  @Type(() => Item)
  item!: Item;
}

@Controller()
class ProbeController {
  @Get('ok/:id')
  ok(@Param('id') id: string) {
    return { id };
  }

  @Get('stream')
  stream(@Res() reply: FastifyReply) {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.raw.write(': hello\n\n');
  }

  @Post('orders')
  order(@Body() order: Order) {
    return { isOrder: order instanceof Order };
  }

  @Post('anything')
  @BodyLimit(2048)
  anything(@Body() body: object) {
    return { keys: Object.keys(body) };
  }
}

let app: NestFastifyApplication;
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  const settings = Object.assign(new HttpSettings(), {
    trustProxy: false,
    bodyLimitBytes: 65_536,
    headerLimitBytes: 16_384,
    requestTimeoutMs: 30_000,
    connectionTimeoutMs: 65_000,
    keepAliveTimeoutMs: 72_000,
  });
  const module = await Test.createTestingModule({
    controllers: [ProbeController],
    providers: [Metrics],
  }).compile();
  const log = (_message: string, fields: Record<string, unknown>) => void lines.push(fields);
  app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(settings), {
    bodyParser: false,
    logger: { log, error: log, warn: log },
  });
  const metrics = app.get(Metrics);
  furnishHttpDoor(app, { metrics, clock: systemClock, quietRoutes: [], followRequests: true });
  await app.listen(0, '127.0.0.1');
});
afterAll(() => app.close());

const post = (url: string, payload: string, headers: Record<string, string> = {}) =>
  app.inject({ url, method: 'POST', payload, headers: { 'content-type': 'application/json', ...headers } });

/** Bytes as they are, for what no HTTP client would send; each further text follows the first bytes of an answer. */
function raw(...texts: string[]): Promise<string> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const next = () => {
      const text = texts.shift();
      if (text !== undefined) socket.write(text);
    };
    const socket = connect(port, '127.0.0.1', next);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
      next();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

const parse = (answer: string) =>
  JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>;

describe('malformed input', () => {
  it.each<[string, string, string, Record<string, string>, number]>([
    ['bad JSON', '/orders', '{"email":', {}, 400],
    ['a __proto__ member', '/anything', '{"__proto__":{"polluted":true}}', {}, 400],
    [
      'a constructor.prototype member',
      '/anything',
      '{"constructor":{"prototype":{"polluted":true}}}',
      {},
      400,
    ],
    [
      'another media type',
      '/orders',
      'email=a',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
    ],
    ['plain text', '/orders', 'hello', { 'content-type': 'text/plain' }, 415],
    ['a malformed media type', '/orders', '{}', { 'content-type': 'nonsense' }, 415],
    ['a body of 1 MB', '/orders', JSON.stringify({ email: 'a'.repeat(1_000_000) }), {}, 413],
    ['a body above the limit of its route', '/anything', JSON.stringify({ a: 'a'.repeat(3000) }), {}, 413],
    ['30,000 levels of lists', '/orders', '['.repeat(30_000) + ']'.repeat(30_000), {}, 400],
    ['65 levels of objects', '/anything', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, {}, 400],
    ['64 levels that are no object', '/orders', '['.repeat(64) + ']'.repeat(64), {}, 422],
    ['no body', '/orders', '', {}, 422],
    ['a list instead of an object', '/orders', '[]', {}, 422],
    ['a text instead of an object', '/orders', '"x"', {}, 422],
    ['null', '/orders', 'null', {}, 422],
  ])('%s is a 4xx problem', async (...[, url, body, headers, status]) => {
    const answer = await post(url, body, headers);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([
      status,
      'application/problem+json; charset=utf-8',
    ]);
    expect(answer.json()).toMatchObject({ status, instance: url });
    expect(answer.headers['x-request-id']).toBe(answer.json<{ request_id: string }>().request_id);
  });

  it('an invalid body names fields and rules, never values', async () => {
    const body = JSON.stringify({ email: 'hunter2', item: { count: 'many', extra: 1 }, admin: true });
    const answer = await post('/orders', body);
    expect(answer.statusCode).toBe(422);
    expect(answer.json<{ errors: unknown }>().errors).toEqual([
      { field: 'admin', rules: ['whitelistValidation'], message: 'admin is not known here' },
      { field: 'email', rules: ['isEmail'], message: 'email must be an e-mail address' },
      { field: 'item.extra', rules: ['whitelistValidation'], message: 'item.extra is not known here' },
      { field: 'item.count', rules: ['isInt'], message: 'item.count must be a whole number' },
    ]);
    expect(answer.body).not.toContain('hunter2');
  });

  it('a malformed address is a 400 problem', async () => {
    const answer = await app.inject('/ok/%zz');
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.headers['x-request-id']).toBeDefined();
  });

  it('a path part of 255 characters is none, escaped as they may be', async () => {
    for (const text of ['a'.repeat(255), '%C3%A9'.repeat(255)])
      expect((await app.inject(`/ok/${text}`)).json()).toEqual({ id: decodeURIComponent(text) });
    expect((await app.inject(`/ok/${'a'.repeat(256)}`)).statusCode).toBe(414);
  });

  it('an endless path part is a 414 problem', async () => {
    const answer = await app.inject(`/ok/${'a'.repeat(2000)}`);
    expect(answer.statusCode).toBe(414);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  it.each([
    ['headers of 20 kB', `GET /ok/1 HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['a malformed request line', 'HELLO\r\n\r\n', 400],
    ['an unknown method', 'BREW /ok/1 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    [
      'two content lengths',
      'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
      400,
    ],
    [
      'content length beside chunks',
      'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
      400,
    ],
  ])('%s: answered as a 4xx problem before there is a request', async (_name, text, status) => {
    const answer = await raw(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('content-type: application/problem+json');
    expect(parse(answer)).toMatchObject({ status, request_id: expect.any(String) as string });
  });
});

describe('an expectation that is not 100-continue', () => {
  const expecting = (line: string, more = '') =>
    `${line} HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n${more}\r\n`;

  it.each([
    ['where there is a route', '/ok/1'],
    ['where there is none', '/nothing'],
    ['where the router would refuse the address', '/ok/%zz'],
  ])('is a 417 problem %s, with a line in the log', async (_where, url) => {
    lines.splice(0);
    const answer = await raw(expecting(`GET ${url}?a=1`, 'X-Request-Id: mine\r\nConnection: close\r\n'));
    expect(answer).toMatch(/^HTTP\/1.1 417 Expectation Failed\r\n/);
    expect(answer).toContain('content-type: application/problem+json');
    expect(answer).toContain('x-request-id: mine\r\n');
    expect(parse(answer)).toMatchObject({
      type: '/problems/expectation-failed',
      status: 417,
      instance: url,
      request_id: 'mine',
    });
    await expect.poll(() => lines).toMatchObject([{ route: 'unmatched', status: 417, request_id: 'mine' }]);
  });

  it.each(['application/json', 'text/plain'])(
    'is told before its body has come (%s), and the connection serves the next request',
    async (type) => {
      const head = `Content-Type: ${type}\r\nContent-Length: 2\r\n`;
      const next = '{}GET /ok/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      const answer = await raw(expecting('POST /orders', head), next);
      expect(answer).toMatch(/^HTTP\/1.1 417 [^]*HTTP\/1.1 200 [^]*\{"id":"2"\}$/);
    },
  );

  it('of 100-continue is met as ever', async () => {
    const body = '{"a":1}';
    const head = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n`;
    const answer = await raw(
      `POST /anything HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n${head}\r\n`,
      body,
    );
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 201 [^]*\{"keys":\["a"\]\}$/);
  });
});

describe('a connection', () => {
  it('gets a problem for a malformed second request as well', async () => {
    const answer = await raw('GET /ok/1 HTTP/1.1\r\nHost: x\r\n\r\n', 'GARBAGE\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 200 [^]*HTTP\/1.1 400 /);
  });

  it('in the middle of a stream is cut without a word', async () => {
    const answer = await raw('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n', 'GARBAGE\r\n\r\n');
    expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
    await expect.poll(() => lines.at(-1)).toMatchObject({ route: '/stream', status: 200, aborted: true });
  });

  it('that ends in the middle of a body is no failure of ours', async () => {
    lines.splice(0);
    const { port } = app.getHttpServer().address() as AddressInfo;
    const head =
      'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{';
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(head, () => setTimeout(() => socket.destroy(), 20)),
    );
    socket.on('error', () => undefined);
    await expect.poll(() => lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ route: '/orders', status: 499, aborted: true });
  });

  it('whose body is malformed in its framing gets a problem', async () => {
    const answer = await raw(
      'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('application/problem+json');
  });
});
