import {
  type CanActivate,
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../kernel/errors.js';
import { ManualClock } from '../kernel/manual-clock.js';
import { Metrics } from '../telemetry/index.js';
import { furnishHttpDoor } from './http-door.js';
import { PlainRoute } from './plain-route.js';
import { statusOf } from './problem.js';
import { RawBodyOnly } from './route.decorators.js';

class RefusedError extends AppError {
  readonly code = 'REFUSED';
  readonly status = 503;
  readonly slug = 'refused';
  readonly title = 'Refused';
}

@Injectable()
class Nobody implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class Sizes {
  of(request: FastifyRequest): number {
    return request.rawBody?.length ?? 0;
  }
}

@Controller()
class PlainController {
  constructor(private readonly sizes: Sizes) {}

  @Post('size')
  @PlainRoute()
  @RawBodyOnly(100_000)
  size(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    setImmediate(() => void reply.send({ size: this.sizes.of(request) }));
  }

  @Post('refusal')
  @RawBodyOnly(100_000)
  @PlainRoute()
  refusal(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (this.sizes.of(request) > 10) throw new RefusedError('It is too large.');
    setImmediate(() => void reply.send(new RefusedError('It comes later.')));
  }

  @Post('told')
  @RawBodyOnly(100)
  @PlainRoute({ refused: 'refusedBefore' })
  told(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (this.sizes.of(request) > 10) throw new RefusedError('It is too large.');
    if (this.sizes.of(request) > 5) throw new TypeError('a mistake');
    void reply.send(new RefusedError('It comes from the method.'));
  }

  async refusedBefore(error: Error, request: FastifyRequest): Promise<unknown> {
    await Promise.resolve();
    const { type } = request.query as { type?: string };
    if (type === 'same') return error;
    if (type === 'fault') throw new TypeError('a mistake');
    return new RefusedError(`It was refused before: ${statusOf(error)}.`);
  }

  @Get('early')
  @PlainRoute()
  early(@Req() _request: FastifyRequest, @Res() reply: FastifyReply): string {
    setImmediate(() => void reply.send('what was sent'));
    return 'what was returned';
  }

  @Get('guarded')
  @UseGuards(Nobody)
  guarded(): string {
    return 'never';
  }
}

@Module({ controllers: [PlainController], providers: [Sizes, Nobody] })
class Root {}

describe('A route with @PlainRoute', () => {
  let app: NestFastifyApplication;
  const metrics = new Metrics();
  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [Root] }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ bodyLimit: 1000 }), {
      logger: false,
      bodyParser: false,
    });
    furnishHttpDoor(app, { clock: new ManualClock(), quietRoutes: [], followRequests: true, metrics });
    app.useGlobalGuards(new Nobody());
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterAll(() => app.close());

  const post = (url: string, payload: string, type = 'application/json') =>
    app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload });

  it('is answered by the method itself, which has its controller; no guard is asked', async () => {
    const answer = await post('/size', '"1234"');
    expect([answer.statusCode, answer.json()]).toEqual([200, { size: 6 }]);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect((await app.inject('/guarded')).statusCode).toBe(403);
  });

  it('has the limit and the media type of the door', async () => {
    expect((await post('/size', `"${'x'.repeat(99_998)}"`)).statusCode).toBe(200);
    expect((await post('/size', `"${'x'.repeat(99_999)}"`)).statusCode).toBe(413);
    expect((await post('/size', 'x', 'text/plain')).statusCode).toBe(415);
  });

  it.each([
    ['throws', '"12345678901"', 'It is too large.'],
    ['sends', '""', 'It comes later.'],
  ])('is answered with a problem where it %s an error', async (_how, body, detail) => {
    const answer = await post('/refusal', body);
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.json()).toMatchObject({ type: '/problems/refused', detail, instance: '/refusal' });
  });

  it.each([
    ['a media type', '', 'text/plain', '{}', 503, 'It was refused before: 415.'],
    ['a size', '', 'application/json', 'x'.repeat(101), 503, 'It was refused before: 413.'],
    ['the error itself', '?type=same', 'text/plain', '{}', 415, 'Send the body as application/json.'],
    ['a fault of that method', '?type=fault', 'text/plain', '{}', 500, undefined],
    ['what the method throws', '', 'application/json', '12345678901', 503, 'It is too large.'],
    ['what the method sends', '', 'application/json', '1', 503, 'It comes from the method.'],
    ['a fault of the method', '', 'application/json', '123456', 500, undefined],
  ])('asks another method what to tell of what is refused before it: %s', async (...row) => {
    const [, query, type, body, status, detail] = row;
    const answer = await post(`/told${query}`, body, type);
    expect([answer.statusCode, answer.json<{ detail?: string }>().detail]).toEqual([status, detail]);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  });

  it('is answered with what the method sends, whatever it returns', async () => {
    expect((await app.inject('/early')).body).toBe('what was sent');
  });

  it('is counted as any other', async () => {
    const { values } = await metrics.httpRequests.get();
    expect(
      values.find(({ labels }) => labels['route'] === '/size' && labels['status'] === '413')?.value,
    ).toBe(1);
  });
});
