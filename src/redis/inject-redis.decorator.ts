import { Inject } from '@nestjs/common';
import type { Lane, LaneOf, Purpose } from './purposes.js';

/** Token of a client. A string, because it is what Nest prints when it cannot resolve one. */
export function getRedisToken(purpose: string, lane: Lane = 'command'): string {
  return `REDIS_CLIENT:${purpose}:${lane}`;
}

/**
 * Injects the client of a purpose, `PurposeRedis<'auth…'>`, or of one of its other lanes. The importing
 * module must import `RedisModule.forPurpose(purpose)`. A misspelt purpose or a lane that the row does not
 * have does not compile.
 */
export function InjectRedis<P extends Purpose>(
  purpose: P,
  lane: LaneOf<P> = 'command' as LaneOf<P>,
): ParameterDecorator & PropertyDecorator {
  return Inject(getRedisToken(purpose, lane));
}
