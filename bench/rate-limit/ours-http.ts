import { Controller, Get, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../src/app.module.js';
import { createHttpApp } from '../../src/app.setup.js';
import {
  type Extractor,
  RateLimitModule,
  type RateLimitModuleOptions,
  SkipRateLimit,
  limitRequests,
} from '../../src/rate-limit/index.js';
import { RedisTestingModule } from '../../src/redis/index.js';
import { AMPLE } from './contestant.js';
import { type HttpVariant, bareApp, limitOf } from './http-variant.js';

interface Limited {
  readonly limits: 1 | 3;
  /** Where it is decided: as the head of a request arrives, or by the guard, as if only who authenticates knew the user. */
  readonly where: 'hook' | 'guard';
  readonly denied?: boolean;
}

/** This product's limiter at the door. Beside ours.ts the one file here that knows its API. */
export const OUR_VARIANTS = {
  'hook-1': bare('this product, hook, 1 limit', { limits: 1, where: 'hook' }),
  'hook-3': bare('this product, hook, 3 limits', { limits: 3, where: 'hook' }),
  'guard-3': bare('this product, guard, 3 limits', { limits: 3, where: 'guard' }),
  'hook-denied': bare(
    'this product, hook, 3 limits, 429',
    { limits: 3, where: 'hook', denied: true },
    'hook-3',
  ),
  'guard-denied': bare(
    'this product, guard, 3 limits, 429',
    { limits: 3, where: 'guard', denied: true },
    'guard-3',
  ),
  door: {
    title: 'whole application, @SkipRateLimit',
    base: 'door',
    open: (url) => wholeApp(url, { limits: 1, where: 'hook' }, UnlimitedModule),
  },
  'door-hook-1': door('whole application, hook, 1 limit', { limits: 1, where: 'hook' }),
  'door-hook-3': door('whole application, hook, 3 limits', { limits: 3, where: 'hook' }),
  'door-guard-3': door('whole application, guard, 3 limits', { limits: 3, where: 'guard' }),
  'door-denied': door(
    'whole application, hook, 3 limits, 429',
    { limits: 3, where: 'hook', denied: true },
    'door-hook-3',
  ),
} as const satisfies Record<string, HttpVariant>;

function bare(title: string, limited: Limited, allowedTwin?: string): HttpVariant {
  const open = (url: string) => limitedApp(url, limited);
  return { title, base: 'bare', open, ...twin(limited, allowedTwin) };
}

function door(title: string, limited: Limited, allowedTwin?: string): HttpVariant {
  const open = (url: string) => wholeApp(url, limited, LimitedModule);
  return { title, base: 'door', open, ...twin(limited, allowedTwin) };
}

function twin(
  { denied = false }: Limited,
  allowedTwin?: string,
): Pick<HttpVariant, 'denied' | 'allowedTwin'> {
  return { denied, ...(allowedTwin === undefined ? {} : { allowedTwin }) };
}

/** The default policy of all routes below /v1, replaced by what is to be measured. */
function options({ limits, where, denied = false }: Limited): RateLimitModuleOptions {
  const row = ({ quota, windowSeconds }: { quota: number; windowSeconds: number }) =>
    ({ quota, windowMs: windowSeconds * 1000, burst: Math.min(quota, 1_000_000) }) as const;
  const perIp = { per: 'ip', ...row(limits === 1 ? limitOf(denied) : AMPLE) } as const;
  const three = [
    perIp,
    { per: 'user', ...row(AMPLE) },
    // Everybody has used it up, whatever address and user.
    { per: 'global', ...row(limitOf(denied)) },
  ] as const;
  return {
    policies: { default: { limits: limits === 1 ? [perIp] : three } },
    extractors: { user: where === 'hook' ? USER : { ...USER, known: 'identity' } },
  };
}

const USER: Extractor = { known: 'arrival', of: ({ headers }) => String(headers['x-user']) };

/** The bare application, and the limiter as its module and hooks bring it; log fields are noted, and no line is written. */
async function limitedApp(url: string, limited: Limited): Promise<NestFastifyApplication> {
  const features = [RateLimitModule.forRoot(options(limited))];
  const env = { RATE_LIMIT_REDIS_URL: url };
  const app = await bareApp({ imports: [await RedisTestingModule.forFeatures(features, { env })] });
  const instance = app.getHttpAdapter().getInstance();
  instance.decorateRequest('record');
  instance.addHook('onRequest', (request, _reply, done) => {
    request.record = { requestId: request.id, redis: {} };
    done();
  });
  limitRequests(app);
  return app;
}

@Controller('bench')
class LimitedController {
  @Get()
  answer() {
    return { ok: true };
  }
}

@SkipRateLimit()
@Controller('bench')
class UnlimitedController extends LimitedController {}

@Module({ controllers: [LimitedController] })
class LimitedModule {}

@Module({ controllers: [UnlimitedController] })
class UnlimitedModule {}

/** What production runs, behind one proxy, every address another client; its log goes to /dev/null. */
function wholeApp(url: string, limited: Limited, module: new () => object): Promise<NestFastifyApplication> {
  const env = {
    APP_PROFILE: 'test',
    REDIS_URL: url,
    TRUST_PROXY: '1',
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
  };
  return createHttpApp(AppModule.register({ env, imports: [module], rateLimit: options(limited) }));
}
