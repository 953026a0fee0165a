import type { DynamicModule } from '@nestjs/common';
import type { RateLimitModuleOptions } from './rate-limit/index.js';
import type { RedisModuleOptions } from './redis/index.js';

/** What a team builds on the house. */
export interface AppFeatures {
  readonly imports?: NonNullable<DynamicModule['imports']>;
  readonly redis?: RedisModuleOptions;
  readonly rateLimit?: RateLimitModuleOptions;
}

/**
 * Your features: their modules, and the rows of the purposes that they bring. This is the one file of the house
 * that a team edits; application, command line and generated documents all read it.
 */
export const features: AppFeatures = {};
