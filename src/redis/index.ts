export { activePurposes } from './active-purposes.js';
export { aclRule, sentinelAclRule } from './acl-rule.js';
export { failClosed } from './fail-closed.js';
export { InjectRedis, getRedisToken } from './inject-redis.decorator.js';
export { LuaScript, type ScriptArgument, type ScriptClient } from './lua-script.js';
export type { BlockingRedis, PurposeRedis } from './purpose-redis.js';
export {
  type BuiltInPurpose,
  type Lane,
  type LaneOf,
  PURPOSES,
  type Purpose,
  type PurposeDefinition,
  type RedisPurposeMap,
} from './purposes.js';
export {
  RedisAbortedError,
  RedisCommandError,
  RedisIsolationError,
  RedisUnavailableError,
  UNAVAILABLE_REASONS,
  type UnavailableReason,
} from './redis.errors.js';
export { type PurposeFinding, checkRedis, purposeTable } from './redis-check.js';
export { RedisModule } from './redis.module.js';
export type {
  CredentialProvider,
  CredentialProviders,
  IssuedCredentials,
} from './rotation/credential-provider.js';
export { RedisRotation } from './rotation/redis-rotation.js';
export type { RedisModuleAsyncOptions, RedisModuleOptions } from './redis.options.js';
export { RedisTestingModule, type RedisTestingOptions } from './redis-testing.module.js';
export { RedisStatus } from './redis-status.js';
export { RedisStartupError } from './startup-report.js';
export type { Engine, Isolation, LaneStatus, Proof, PurposeStatus } from './status.types.js';
export { type Batch, TurnBatches } from './turn-batches.js';
export { usualWaitReplicas } from './topology/topology.js';
