import { Controller, Get, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../../src/app.module.js';
import { createHttpApp } from '../../../src/app.setup.js';
import type { Environment } from '../../../src/config/index.js';
import { type PolicyTable, RateLimit } from '../../../src/rate-limit/index.js';
import { NO_FEATURES } from '../../support/no-features.js';

const POLICIES: PolicyTable = {
  uncountable: { limits: [{ per: 'ip', quota: 6000, windowMs: 60_000, burst: 1000, outage: 'deny' }] },
};

/** The compiler knows the policies of the house; those of a test stand in no map. */
const limitBy = RateLimit as (policy: string) => MethodDecorator;

@Controller('guarded')
class GuardedController {
  @Get()
  @limitBy('uncountable')
  answer(): { ok: true } {
    return { ok: true };
  }
}

@Module({ controllers: [GuardedController] })
class GuardedModule {}

/** The application in this process, with `GET /v1/guarded`, whose limit lets nobody pass uncounted. */
export async function startLimitedApplication(env: Environment): Promise<{
  readonly app: NestFastifyApplication;
  readonly origin: string;
}> {
  const rateLimit = { policies: POLICIES };
  const root = AppModule.register({ env, ...NO_FEATURES, imports: [GuardedModule], rateLimit });
  const app = await createHttpApp(root, { logger: false });
  await app.listen(0, '127.0.0.1');
  return { app, origin: await app.getUrl() };
}
