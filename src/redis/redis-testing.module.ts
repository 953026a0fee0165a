import type { DynamicModule } from '@nestjs/common';
import { ConfigModule, type Environment } from '../config/index.js';
import { TelemetryModule } from '../telemetry/index.js';
import { RedisModule } from './redis.module.js';
import type { RedisModuleOptions } from './redis.options.js';

export interface RedisTestingOptions {
  /** Variables, such as a URL for a purpose that the test runs on a real server. */
  readonly env?: Environment;
  readonly redis?: RedisModuleOptions;
}

/**
 * For tests of a feature: its modules with all that they need of the floors below, under the tokens of the
 * application. Purposes without a URL run on embedded engines, one each; nothing is mocked.
 *
 * `Test.createTestingModule({ imports: [await RedisTestingModule.forFeatures([MyModule])] })`
 */
export class RedisTestingModule {
  static async forFeatures(
    features: NonNullable<DynamicModule['imports']>,
    { env = {}, redis = {} }: RedisTestingOptions = {},
  ): Promise<DynamicModule> {
    const imports = [TelemetryModule, RedisModule.forRoot(redis), RedisModule.forInspection(), ...features];
    const house = { module: RedisTestingModule, imports };
    const config = await ConfigModule.forRoot(house, { APP_PROFILE: 'test', ...env });
    return { ...house, imports: [config, ...imports] };
  }
}
