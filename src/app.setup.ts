import { type DynamicModule, Logger, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DEVELOPMENT_FILE, type Settings, dynamicModulesOf, settingsIn } from './config/index.js';
import { MAIL_PAGE_PATHS } from './console/mail-pages/mail-pages.controller.js';
import { HttpSettings, createFastifyAdapter, furnishHttpDoor } from './http/index.js';
import { limitRequests } from './rate-limit/index.js';
import { RedisModule } from './redis/index.js';
import { CLOCK, LogSettings, Metrics, createLogger } from './telemetry/index.js';

/** Outside `/v1`: what infrastructure asks for under names that it chose. */
const UNPREFIXED = [
  'livez',
  'readyz',
  'readyz/:purpose',
  'metrics',
  '.well-known/jwks.json',
  'dev/outbox',
  'console',
  'console/settings.json',
  'console/:file',
  ...MAIL_PAGE_PATHS,
];
const PROBES = ['/livez', '/readyz', '/readyz/:purpose'];
/** What a demo delivers to itself, every second. */
const DEMO_FEED = '/v1/webhooks/stripe';

export interface HttpAppOptions {
  /** Replaces the logger that the settings ask for; `false` is silence. */
  readonly logger?: LoggerService | false;
}

/**
 * The application behind its HTTP door, not initialised yet: `listen()` or `init()` it. main.ts and every e2e
 * test start here, so that a test sees what a caller sees.
 *
 * @param module as `AppModule.register(env)` returns it; its settings are read already
 * @throws StartupError, or whatever else a module fails with; nothing ends the process here
 */
export async function createHttpApp(
  module: DynamicModule | Promise<DynamicModule>,
  options: HttpAppOptions = {},
): Promise<NestFastifyApplication> {
  const modules = await dynamicModulesOf(await module);
  // The adapter is needed before the container exists.
  const settings = settingsIn(modules);
  // Nobody should take the lines of such a process for those of one that keeps data.
  const marks = RedisModule.usesEmbeddedEngine(modules, settings) ? { engine: 'embedded' } : {};
  const http = settings.of(HttpSettings);
  const app = await NestFactory.create<NestFastifyApplication>(await module, createFastifyAdapter(http), {
    // Given from the start: what fails while the container is built is redacted as well.
    logger: options.logger ?? createLogger(settings.profile, settings.of(LogSettings), marks),
    abortOnError: false,
    bodyParser: false,
  });
  tellOf(settings);
  app.setGlobalPrefix('v1', { exclude: UNPREFIXED });
  furnishHttpDoor(app, {
    metrics: app.get(Metrics),
    clock: app.get(CLOCK),
    quietRoutes: settings.profile === 'demo' ? [...PROBES, DEMO_FEED] : PROBES,
    followRequests: http.followRequests,
  });
  limitRequests(app);
  if (settings.profile === 'demo' || settings.profile === 'development') {
    // Imported here only: it costs a third of a second that no other profile should pay.
    const { serveOpenApi } = await import('./app.openapi.js');
    serveOpenApi(app, http.appName);
  }
  return app;
}

/** What nobody has set, and what is probably a mistake. */
function tellOf({ profile, generated, kept, warnings }: Settings): void {
  const logger = new Logger('Settings');
  const made = generated.filter((name) => !kept.includes(name));
  const place = profile === 'development' ? ` and kept in ${DEVELOPMENT_FILE}` : '';
  if (made.length > 0) logger.log(`Not set, so made up${place}: ${made.join(', ')}`);
  if (kept.length > 0) logger.log(`Not set; kept in ${DEVELOPMENT_FILE}: ${kept.join(', ')}`);
  for (const warning of warnings) logger.warn(warning);
}
