import { Module } from '@nestjs/common';
import { ConfigModule, type ModuleWithSettings, SETTINGS_SOURCE } from '../config/index.js';
import { RedisModule } from '../redis/index.js';
import { Backlogs } from './backpressure/backlogs.js';
import { controlProviders } from './control/control.providers.js';
import { RateLimitControl } from './control/rate-limit-control.js';
import { RateLimitStore } from './control/rate-limit-store.js';
import { httpExports, httpProviders } from './http/http.providers.js';
import { leaseProviders } from './leases/lease.providers.js';
import { StreamQuotas } from './leases/stream-quotas.js';
import { RateLimitSettings, countsInMemory, shadowFaults } from './rate-limit.config.js';
import { RATE_LIMIT_OPTIONS, type RateLimitModuleOptions } from './rate-limit.options.js';
import { rateLimitProviders } from './rate-limit.providers.js';
import { RateLimiter } from './rate-limiter.js';

class RateLimitOptionsModule {}

/**
 * How often a client may ask. Features import this module for the RateLimiter; the application module alone imports
 * `RateLimitModule.forRoot()`, once, with what features add in src/app.features.ts. Why it counts as it does: docs/adr/0021.
 */
@Module({
  imports: [
    ConfigModule.forFeature(RateLimitSettings),
    RedisModule.forPurpose('rateLimit', { unless: countsInMemory }),
    RedisModule.forInspection(),
  ],
  providers: [...rateLimitProviders, ...controlProviders, ...leaseProviders, Backlogs, ...httpProviders],
  exports: [...httpExports, RateLimiter, RateLimitControl, RateLimitStore, StreamQuotas, Backlogs],
})
export class RateLimitModule {
  /** For the application module only: a second call refuses the start with RateLimitRootError. */
  static forRoot(options: RateLimitModuleOptions = {}): ModuleWithSettings {
    return {
      module: RateLimitOptionsModule,
      [SETTINGS_SOURCE]: {
        registrations: () => [],
        rules: ({ settings }) => shadowFaults(settings.of(RateLimitSettings), options),
      },
      // The options only.
      global: true,
      imports: [RateLimitModule],
      providers: [{ provide: RATE_LIMIT_OPTIONS, useValue: options }],
      exports: [RATE_LIMIT_OPTIONS],
    };
  }
}
