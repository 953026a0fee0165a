import type { Provider, Type } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach } from 'vitest';
import { furnishHttpDoor } from '../../http/index.js';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import type { Ruling } from '../counting/subject.js';
import { createEngine } from '../create-engine.js';
import { httpProviders } from './http.providers.js';
import { limitRequests } from './limit-requests.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { LimitEngine } from '../limit-engine.js';
import { PolicyBook } from '../policies/plan.js';
import { POLICIES } from '../policies/policies.js';
import { RATE_LIMIT_OPTIONS, type RateLimitModuleOptions } from '../rate-limit.options.js';
import { Metrics, type RequestRecord } from '../../telemetry/index.js';

export interface LimitedAppOptions extends RateLimitModuleOptions {
  readonly controllers: Type[];
  readonly providers?: Provider[];
  /** `hook`: as the application does it. `guard`: a global guard decides everything. Unset: `hook`. */
  readonly by?: 'hook' | 'guard';
  readonly ruling?: Ruling;
  /** Unset: one without settings. */
  readonly adapter?: FastifyAdapter;
  /** Redis counts, and is away. */
  readonly lost?: boolean;
}

export interface LimitedApp {
  readonly app: NestFastifyApplication;
  readonly engine: LimitEngine;
  readonly metrics: Metrics;
  readonly clock: ManualClock;
  /** Of the requests that have ended. */
  readonly records: RequestRecord[];
}

/** An application whose limits are counted in this process, on a clock that stands still until it is told to move. */
export async function openLimitedApp(options: LimitedAppOptions): Promise<LimitedApp> {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const book = new PolicyBook({ ...POLICIES, ...options.policies });
  const notAsked = (): never => {
    throw new Error('Redis is away, and was asked all the same');
  };
  const { engine } = createEngine({
    book,
    client: options.lost ? { evalsha: notAsked, eval: notAsked, callBuffer: notAsked } : undefined,
    prefix: 'rl:{g}',
    secret: new Secret('x'.repeat(32)),
    metrics,
    clock,
    lost: () => (options.lost ? 'refused' : undefined),
    closed: () => false,
    instances: () => 1,
    chosenIsDegraded: false,
    onSubstitute: () => undefined,
    ...(options.ruling ? { ruling: options.ruling } : {}),
  });
  const module = await Test.createTestingModule({
    controllers: options.controllers,
    providers: [
      { provide: PolicyBook, useValue: book },
      { provide: LimitEngine, useValue: engine },
      { provide: RATE_LIMIT_OPTIONS, useValue: options },
      ...httpProviders,
      ...(options.providers ?? []),
    ],
  }).compile();
  const { adapter = new FastifyAdapter() } = options;
  const app = module.createNestApplication<NestFastifyApplication>(adapter, {
    bodyParser: false,
    logger: false,
  });
  const records: RequestRecord[] = [];
  furnishHttpDoor(app, { metrics, clock, quietRoutes: [], followRequests: false });
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onResponse', (request, _reply, done) => {
      records.push(request.record);
      done();
    });
  if (options.by === 'guard') app.useGlobalGuards(app.get(RateLimitGuard));
  else limitRequests(app);
  await app.init();
  return { app, engine, metrics, clock, records };
}

/** Opens such applications in the tests of a file and closes them after each. Called once, beside the imports. */
export function limitedApps(): (options: LimitedAppOptions) => Promise<LimitedApp> {
  const open: LimitedApp[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map(({ app }) => app.close()));
  });
  return async (options) => {
    const limited = await openLimitedApp(options);
    open.push(limited);
    return limited;
  };
}
