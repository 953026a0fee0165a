import {
  Controller,
  Get,
  Header,
  HttpCode,
  Module,
  Post,
  type Type,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { Metrics } from '../telemetry/index.js';
import { furnishHttpDoor } from './http-door.js';
import { PlainRouteError } from './plain-route-faults.js';
import { PlainRoute } from './plain-route.js';
import { ProblemFilter } from './problem.filter.js';
import { NoStore } from './route.decorators.js';

const guard = { canActivate: () => false };
const interceptor = { intercept: (_: unknown, next: { handle: () => never }) => next.handle() };

/** A method with the decorators, of a controller with those of its class. */
function controllerWith(onMethod: MethodDecorator[], onClass: ClassDecorator[] = []): Type {
  class OpenController {
    read(): void {}
  }
  const method = Object.getOwnPropertyDescriptor(OpenController.prototype, 'read') as PropertyDescriptor;
  for (const decorate of [...onMethod, PlainRoute()]) decorate(OpenController.prototype, 'read', method);
  for (const decorate of [...onClass, Controller()]) decorate(OpenController);
  return OpenController;
}

async function start(controller: Type): Promise<unknown> {
  @Module({ controllers: [controller] })
  class Root {}
  const module = await Test.createTestingModule({ imports: [Root] }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), {
    logger: false,
    bodyParser: false,
  });
  furnishHttpDoor(app, {
    clock: new ManualClock(),
    quietRoutes: [],
    followRequests: false,
    metrics: new Metrics(),
  });
  try {
    await app.init();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await app.close();
  }
}

it.each<[what: string, onMethod: MethodDecorator[], onClass: ClassDecorator[]]>([
  ['guards', [Get(), UseGuards(guard)], []],
  ['guards', [Get()], [UseGuards(guard)]],
  ['pipes', [Get(), UsePipes(ValidationPipe)], []],
  ['interceptors', [Get()], [UseInterceptors(interceptor as never)]],
  ['exception filters', [Get(), UseFilters(ProblemFilter)], []],
  ['headers', [Get(), NoStore()], []],
])('A plain route with %s refuses the start', async (what, onMethod, onClass) => {
  const error = await start(controllerWith(onMethod, onClass));
  expect(error).toBeInstanceOf(PlainRouteError);
  expect((error as PlainRouteError).report()).toMatch(
    new RegExp(
      `^Refusing to start: plain routes\\n  OpenController\\.read: @PlainRoute takes no ${what}, .*remove`,
    ),
  );
});

it('A plain route whose status Fastify does not send refuses the start, one with 200 does not', async () => {
  expect(await start(controllerWith([Post(), HttpCode(202)]))).toMatchObject({
    faults: [expect.stringContaining('OpenController.read: @PlainRoute does not send @HttpCode(202)')],
  });
  expect(await start(controllerWith([Post(), HttpCode(200)]))).toBeUndefined();
});

it('All faults of a plain route are told at once', async () => {
  const error = await start(controllerWith([Get(), UseGuards(guard), Header('x-a', 'b'), HttpCode(201)]));
  expect((error as PlainRouteError).faults).toHaveLength(3);
});

it('A plain route that names no method for what is refused before it refuses the start', async () => {
  class LostController {
    read(): void {}
  }
  const method = Object.getOwnPropertyDescriptor(LostController.prototype, 'read') as PropertyDescriptor;
  for (const decorate of [Get(), PlainRoute({ refused: 'raed' })])
    decorate(LostController.prototype, 'read', method);
  Controller()(LostController);
  expect(await start(LostController)).toMatchObject({
    faults: [expect.stringContaining('LostController.read: @PlainRoute names raed, which is no method')],
  });
});
