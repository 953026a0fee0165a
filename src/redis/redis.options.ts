import type { ModuleMetadata } from '@nestjs/common';
import type { PurposeDefinition } from './purposes.js';
import type { CredentialProviders } from './rotation/credential-provider.js';

/** Given once, in the application module. */
export interface RedisModuleOptions {
  /** Purposes beside those of the table; augment RedisPurposeMap so that the compiler knows them. */
  readonly purposes?: Readonly<Record<string, PurposeDefinition>>;
  /** URLs that win over every variable, by purpose. */
  readonly urls?: Readonly<Record<string, string>>;
  /** Who gives the credentials of a purpose, where they are no setting; by purpose. */
  readonly credentials?: CredentialProviders;
}

/** What may come late: the rows of the table are needed before the container is built. */
export type LateRedisOptions = Pick<RedisModuleOptions, 'urls' | 'credentials'>;

export interface RedisModuleAsyncOptions
  extends Pick<ModuleMetadata, 'imports'>, Pick<RedisModuleOptions, 'purposes'> {
  readonly inject?: readonly (abstract new (...args: never[]) => unknown)[];
  readonly useFactory: (...dependencies: never[]) => LateRedisOptions | Promise<LateRedisOptions>;
}

/** Token of the options. Not exported from the door: options are all that is global of this module. */
export const REDIS_OPTIONS = Symbol('REDIS_OPTIONS');
