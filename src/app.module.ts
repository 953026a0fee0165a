import type { DynamicModule } from '@nestjs/common';
import { ConfigModule, type Environment } from './config/index.js';
import { ConsoleModule } from './console/console.module.js';
import { accessExtractors } from './access/index.js';
import { AuthModule } from './auth/auth.module.js';
import { BillingModule } from './billing/billing.module.js';
import { DatabaseModule } from './database/index.js';
import { HealthModule } from './health/health.module.js';
import { HttpModule } from './http/index.js';
import { RateLimitModule, RateLimitOpsModule } from './rate-limit/index.js';
import { RedisModule } from './redis/index.js';
import { StatusModule } from './status/status.module.js';
import { TelemetryModule } from './telemetry/index.js';
import { type AppFeatures, features } from './app.features.js';
import { OutboxModule } from './app.outbox.js';
import { ShutdownModule } from './app.shutdown.js';

export interface AppModuleOptions extends AppFeatures {
  /** Variables to use; undefined: the process environment over a `.env` file. */
  readonly env?: Environment;
}

/** The whole house on one page: floors from the ground up, then what stands on them. */
export class AppModule {
  /**
   * @param options features beside, or instead of, those of app.features.ts
   * @throws SettingsError with every fault of every module, before anything connects
   */
  static async register({ env, ...options }: AppModuleOptions = {}): Promise<DynamicModule> {
    const house = AppModule.house({ ...features, ...options });
    return { ...house, imports: [await ConfigModule.forRoot(house, env), ...(house.imports ?? [])] };
  }

  /** The modules without their settings: reads no variable, so that it can be walked without any. */
  static house({ imports = [], redis = {}, rateLimit = {} }: AppFeatures = features): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TelemetryModule,
        HttpModule,
        RedisModule.forRoot(redis),
        DatabaseModule.forRoot(),
        RateLimitModule.forRoot({
          ...rateLimit,
          extractors: { ...accessExtractors, ...rateLimit.extractors },
        }),
        AuthModule,
        BillingModule,
        StatusModule,
        HealthModule,
        RateLimitOpsModule,
        OutboxModule,
        ConsoleModule,
        ShutdownModule,
        ...imports,
      ],
    };
  }
}
