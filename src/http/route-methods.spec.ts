import { Controller, Delete, Get, Module, Param, Post } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { Metrics } from '../telemetry/index.js';
import { furnishHttpDoor } from './http-door.js';

@Controller('things')
class ThingsController {
  @Get()
  list() {
    return [];
  }

  @Post('import')
  import() {
    return {};
  }

  @Get(':id')
  show(@Param('id') id: string) {
    return { id };
  }

  @Delete(':id/parts/:part')
  remove() {
    return {};
  }
}

@Module({ controllers: [ThingsController] })
class Root {}

describe('An address that another method reaches', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [Root] }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), {
      logger: false,
      bodyParser: false,
    });
    const options = { clock: new ManualClock(), quietRoutes: [], followRequests: false };
    furnishHttpDoor(app, { ...options, metrics: new Metrics() });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterAll(() => app.close());

  it.each([
    ['DELETE', '/things?secret=1', 'GET, HEAD'],
    ['DELETE', '/things/import', 'GET, HEAD, POST'],
    ['POST', '/things/1', 'GET, HEAD'],
    ['PUT', '/things/1/parts/2', 'DELETE'],
    ['OPTIONS', '/things', 'GET, HEAD'],
    ['HEAD', '/things/1/parts/2', 'DELETE'],
  ] as const)('%s %s is a 405 problem with Allow', async (method, url, allow) => {
    const { statusCode, headers, body } = await app.inject({ method, url });
    expect([statusCode, headers['allow'], headers['content-type']]).toEqual([
      405,
      allow,
      'application/problem+json; charset=utf-8',
    ]);
    expect(JSON.parse(body)).toMatchObject({
      type: '/problems/method-not-allowed',
      status: 405,
      detail: `This address knows ${allow} only.`,
      instance: url.replace(/\?.*/, ''),
    });
  });

  it.each([
    ['GET', '/things/1/parts/2/more'],
    ['GET', '/things/'],
    ['POST', '/nothing'],
    ['POST', '//things'],
    ['POST', '/__proto__'],
    ['OPTIONS', '/nothing'],
    ['HEAD', '/things/'],
  ] as const)('is none for %s %s, which is a 404 as before', async (method, url) => {
    const { statusCode, headers } = await app.inject({ method, url });
    expect([statusCode, headers['allow']]).toEqual([404, undefined]);
  });
});
