import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpException,
  Ip,
  NotFoundException,
  Param,
  Post,
} from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { IsEmail } from 'class-validator';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../kernel/errors.js';
import { ManualClock } from '../kernel/manual-clock.js';
import { Metrics, requestContext } from '../telemetry/index.js';
import { createFastifyAdapter } from './fastify-adapter.js';
import { furnishHttpDoor } from './http-door.js';
import { HttpSettings } from './http.config.js';
import { NoStore } from './route.decorators.js';

class Order {
  @IsEmail()
  email!: string;
}

class Closed extends AppError {
  readonly code = 'CLOSED';
  readonly status = 503;
  readonly slug = 'compartment-unavailable';
  readonly title = 'A part of the service is unavailable';
  override readonly retryAfterMs = 1200;
  override get extensions() {
    return { purpose: 'billingEvents', status: 200 };
  }
}

@Controller()
class ProbeController {
  @Get('ok/:id')
  @NoStore()
  ok(@Param('id') id: string) {
    return { id, seen: requestContext.getStore()?.requestId };
  }

  @Post('orders')
  @HttpCode(200)
  async order(@Body() order: Order) {
    await Promise.resolve();
    const store = requestContext.getStore();
    if (store) store.rlBackend = 'redis';
    return { seen: store?.requestId, isOrder: order instanceof Order };
  }

  @Get('ip')
  ip(@Ip() ip: string) {
    return { ip };
  }

  @Get('fail/:how')
  fail(@Param('how') how: string) {
    if (how === 'closed') throw new Closed('The billingEvents compartment is unavailable.');
    if (how === 'missing') throw new NotFoundException('No such user.');
    if (how === 'teapot') throw new HttpException('Short and stout.', 418);
    if (how === 'foreign') throw Object.assign(new Error('upstream says no'), { statusCode: 401 });
    throw Object.assign(new Error('connect to redis://user:hunter2@host failed'), { command: ['AUTH', 'x'] });
  }
}

let app: NestFastifyApplication;
const lines: { level: string; message: string; fields: Record<string, unknown> }[] = [];
const note =
  (level: string) =>
  (message: string, ...rest: unknown[]) => {
    if (rest.at(-1) === 'Http') lines.push({ level, message, fields: rest[0] as Record<string, unknown> });
  };
const silent = () => undefined;

beforeAll(async () => {
  const settings = Object.assign(new HttpSettings(), {
    trustProxy: 1,
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
  app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(settings), {
    bodyParser: false,
    logger: {
      log: note('info'),
      debug: note('debug'),
      error: note('error'),
      warn: note('warn'),
      verbose: silent,
    },
  });
  furnishHttpDoor(app, {
    metrics: app.get(Metrics),
    clock: new ManualClock(),
    quietRoutes: ['/quiet'],
    followRequests: true,
  });
  await app.listen(0, '127.0.0.1');
});
afterAll(() => app.close());
beforeEach(() => void lines.splice(0));

const inject = (url: string, options: { headers?: Record<string, string>; body?: string } = {}) =>
  app.inject({
    url,
    method: options.body === undefined ? 'GET' : 'POST',
    headers: {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { payload: options.body }),
  });

describe('a problem document', () => {
  it('carries type, title, status, detail, instance, request id and when to come back', async () => {
    const answer = await inject('/fail/closed?token=abc', { headers: { 'x-request-id': 'req-1' } });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers['retry-after']).toBe('2');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json()).toEqual({
      type: '/problems/compartment-unavailable',
      title: 'A part of the service is unavailable',
      status: 503,
      detail: 'The billingEvents compartment is unavailable.',
      instance: '/fail/closed',
      request_id: 'req-1',
      retry_after: 2,
      purpose: 'billingEvents',
    });
  });

  it('is not logged as a failure while a compartment is closed', async () => {
    await inject('/fail/closed');
    expect(lines.filter((line) => line.level === 'error')).toEqual([]);
  });

  it('tells nothing about an unexpected error, which is logged once', async () => {
    const answer = await inject('/fail/unknown');
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('redis');
    expect(answer.json()).toMatchObject({ type: '/problems/internal-error', title: 'Internal Server Error' });
    expect(lines.filter((line) => line.level === 'error')).toHaveLength(1);
  });

  it('does not take over the status of somebody else’s error', async () => {
    expect((await inject('/fail/foreign')).statusCode).toBe(500);
  });

  it('stands for HTTP exceptions of handlers', async () => {
    expect((await inject('/fail/missing')).json()).toMatchObject({
      type: '/problems/not-found',
      detail: 'No such user.',
    });
    expect((await inject('/fail/teapot')).json()).toMatchObject({
      type: '/problems/i-m-a-teapot',
      status: 418,
    });
  });

  it('stands for an unknown address and does not repeat it', async () => {
    const answer = await inject('/nothing/here?token=secret');
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({
      detail: 'There is nothing at this address.',
      instance: '/nothing/here',
    });
    expect(answer.body).not.toContain('secret');
  });
});

describe('the address of the caller', () => {
  it('through one trusted proxy has the address that the proxy saw', async () => {
    const answer = await inject('/ip', { headers: { 'x-forwarded-for': '6.6.6.6, 10.1.2.3' } });
    expect(answer.json()).toEqual({ ip: '10.1.2.3' });
  });
});

describe('the request id', () => {
  it('is taken over from the caller and sent back', async () => {
    const answer = await inject('/ok/1', { headers: { 'x-request-id': 'abc.DEF_1-2' } });
    expect(answer.headers['x-request-id']).toBe('abc.DEF_1-2');
    expect(answer.json()).toEqual({ id: '1', seen: 'abc.DEF_1-2' });
  });

  it.each(['a b', 'x'.repeat(65), 'a"b', '{"json":1}'])('is replaced when it is %s', async (given) => {
    const answer = await inject('/ok/1', { headers: { 'x-request-id': given } });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('the request log', () => {
  const valid = JSON.stringify({ email: 'a@b.de' });

  it('has one line per request with the pattern of the route, never its address', async () => {
    await inject('/ok/42?token=secret', { headers: { 'x-request-id': 'r1' } });
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'Request',
        fields: {
          method: 'GET',
          route: '/ok/:id',
          status: 200,
          ms: 0,
          request_id: 'r1',
          rl_backend: 'none',
          rate_limit_state: 'none',
          rate_limit_policy: 'none',
          redis: [],
        },
      },
    ]);
  });

  it('knows what the handler noted, after a body was parsed as well', async () => {
    const answer = await inject('/orders', { body: valid, headers: { 'x-request-id': 'r2' } });
    expect(answer.json()).toEqual({ seen: 'r2', isOrder: true });
    expect(lines[0]?.fields).toMatchObject({ route: '/orders', rl_backend: 'redis' });
  });

  it('says unmatched where no route fits', async () => {
    await inject('/nope');
    expect(lines[0]?.fields).toMatchObject({ route: 'unmatched', status: 404 });
  });

  it('keeps the contexts of requests on one connection apart', async () => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const call = async (id: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': id },
        body: valid,
      });
      return ((await answer.json()) as { seen: string }).seen;
    };
    const ids = Array.from({ length: 40 }, (_, i) => `id-${i}`);
    expect(await Promise.all(ids.map(call))).toEqual(ids);
    expect(requestContext.getStore()).toBeUndefined();
  });

  it('counts by method, pattern and status', async () => {
    const text = await app.get(Metrics).registry.metrics();
    expect(text).toMatch(/http_requests_total\{method="GET",route="\/ok\/:id",status="200"\} \d+/);
    expect(text).toMatch(/http_requests_total\{method="GET",route="unmatched",status="404"\} \d+/);
    expect(text).toMatch(/http_request_duration_seconds_count\{method="POST",route="\/orders"\} \d+/);
  });
});

it('marks answers that hold tokens as not to be stored', async () => {
  expect((await inject('/ok/1')).headers['cache-control']).toBe('no-store');
});
