import { Body, Controller, Module, Post, Req } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { Metrics } from '../telemetry/index.js';
import { furnishHttpDoor } from './http-door.js';
import { RawBodyOnly } from './route.decorators.js';

@Controller()
class BodiesController {
  @Post('raw')
  @RawBodyOnly(200_000)
  raw(@Req() { rawBody, body }: FastifyRequest) {
    return {
      bytes: rawBody?.length ?? null,
      text: rawBody?.toString('hex').slice(0, 40),
      body: body ?? null,
    };
  }

  @Post('parsed')
  parsed(@Body() body: unknown) {
    return { body };
  }
}

@Module({ controllers: [BodiesController] })
class Root {}

describe('A route with @RawBodyOnly', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [Root] }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ bodyLimit: 65_536 }), {
      logger: false,
      bodyParser: false,
    });
    const options = { clock: new ManualClock(), quietRoutes: [], followRequests: false };
    furnishHttpDoor(app, { ...options, metrics: new Metrics() });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterAll(() => app.close());

  const post = (url: string, payload: string, type = 'application/json') =>
    app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload });

  it('gets the bytes as they came, valid or not, and parses nothing', async () => {
    for (const text of ['{ "a": 1 }', '{', '\ufeff{}', '{"__proto__":1}', '['.repeat(100)]) {
      const answer = await post('/raw', text);
      expect(answer.json()).toEqual({
        bytes: Buffer.byteLength(text),
        text: Buffer.from(text).toString('hex').slice(0, 40),
        body: null,
      });
    }
  });

  it('has a limit of its own, and takes JSON only', async () => {
    expect((await post('/raw', `"${'x'.repeat(199_998)}"`)).statusCode).toBe(201);
    expect((await post('/raw', `"${'x'.repeat(199_999)}"`)).statusCode).toBe(413);
    expect((await post('/raw', '{}', 'text/plain')).statusCode).toBe(415);
    expect((await post('/raw', '{}', 'application/json; charset=utf-8')).statusCode).toBe(201);
  });

  it('changes no other route', async () => {
    expect((await post('/parsed', '{"a":1}')).json()).toEqual({ body: { a: 1 } });
    expect((await post('/parsed', '{')).statusCode).toBe(400);
    expect((await post('/parsed', `"${'x'.repeat(70_000)}"`)).statusCode).toBe(413);
  });
});
