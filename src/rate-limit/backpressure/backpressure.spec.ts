import { Controller, type DynamicModule, Get, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { furnishHttpDoor } from '../../http/index.js';
import { CLOCK, Metrics } from '../../telemetry/index.js';
import { type Backlog, BacklogError } from './backlog.js';
import { Backlogs } from './backlogs.js';
import { Backpressure } from './backpressure.decorator.js';

let depth = 0;
let row: Partial<Backlog> = {};

@Injectable()
class Projector {
  constructor(backlogs: Backlogs) {
    backlogs.register('billing-projector', { depth: () => depth, mark: 10, ...row });
  }
}

@Controller()
class EventsController {
  @Get('events')
  @Backpressure('billing-projector')
  events() {
    return 'taken in';
  }

  @Get('other')
  other() {
    return 'fine';
  }
}

@Controller()
class MisspeltController {
  @Get('misspelt')
  @Backpressure('biling-projector')
  misspelt() {
    return '';
  }
}

@Module({})
class Root {}

describe('Backpressure', () => {
  let app: NestFastifyApplication | undefined;
  let clock: ManualClock;
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  async function boot(extra: Partial<DynamicModule> = {}): Promise<NestFastifyApplication> {
    clock = new ManualClock();
    depth = 0;
    const root: DynamicModule = {
      module: Root,
      controllers: [EventsController, ...(extra.controllers ?? [])],
      providers: [Backlogs, Projector, Metrics, { provide: CLOCK, useValue: clock }],
    };
    const module = await Test.createTestingModule({ imports: [root] })

      .compile();
    const adapter = new FastifyAdapter();
    const made = module.createNestApplication<NestFastifyApplication>(adapter, {
      logger: false,
      bodyParser: false,
    });
    furnishHttpDoor(made, { metrics: made.get(Metrics), clock, quietRoutes: [], followRequests: false });
    await made.init();
    return (app = made);
  }

  function now(next: number): void {
    depth = next;
    clock.advance(1000);
  }

  it('turns requests away while the backlog is over its mark, those of other routes not', async () => {
    row = {};
    const made = await boot();
    const statusOf = async (url: string) => (await made.inject({ url })).statusCode;
    expect(await statusOf('/events')).toBe(200);
    now(11);
    expect(await statusOf('/events')).toBe(503);
    expect(await statusOf('/other')).toBe(200);
    now(8);
    expect(await statusOf('/events')).toBe(200);
    const text = await made.get(Metrics).registry.metrics();
    expect(text).toContain('backlog_depth{backlog="billing-projector"} 8');
    expect(text).toContain('backlog_shed_total{backlog="billing-projector"} 1');
  });

  it.each([
    [{}, 503, '5'],
    [{ status: 429, retryAfterMs: 90_000 } as const, 429, '90'],
  ])('tells them when to come back, as the feature says (%j)', async (given, status, seconds) => {
    row = given;
    const made = await boot();
    now(11);
    const { statusCode, headers, body } = await made.inject({ url: '/events' });
    expect([statusCode, headers['retry-after']]).toEqual([status, seconds]);
    expect(JSON.parse(body)).toMatchObject({ type: '/problems/temporary-reduced-capacity', status });
  });

  it('refuses to start with a route that names a backlog which nobody has registered', async () => {
    row = {};
    const failure = await boot({ controllers: [MisspeltController] }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BacklogError);
    expect((failure as BacklogError).report()).toBe(
      'Refusing to start: backlogs\n' +
        '  @Backpressure on MisspeltController.misspelt: nobody has registered a backlog "biling-projector"',
    );
  });

  it.each([
    [{ mark: 0 }, /mark 0 must be a number above 0/],
    [{ mark: NaN }, /mark NaN/],
    [{ pollMs: 10 }, /pollMs 10 must be at least 50/],
    [{ retryAfterMs: 0 }, /retryAfterMs 0 must be above 0/],
    [{ status: 500 as 503 }, /status 500 must be 503 or 429/],
  ])('refuses to start with %j', async (wrong, message) => {
    row = wrong;
    await expect(boot()).rejects.toThrow(message);
  });

  it('refuses a second backlog of one name, and one that nobody knows', async () => {
    row = {};
    const backlogs = (await boot()).get(Backlogs);
    expect(() => backlogs.register('billing-projector', { depth: () => 0, mark: 1 })).toThrow(
      /registered twice/,
    );
    expect(() => backlogs.sheds('nobody')).toThrow(/no backlog "nobody"/);
    backlogs.register('late', { depth: () => 2, mark: 1 });
    expect(backlogs.sheds('late')).toBe(true);
  });
});
