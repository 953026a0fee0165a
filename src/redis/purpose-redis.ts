import type { Redis } from 'ioredis';
import type { LaneClient } from './lane-client.js';
import type { Purpose, RedisPurposeMap } from './purposes.js';

/** Names of the methods that a purpose's command list allows, with their Buffer variants. */
type GrantedMethod<P extends Purpose> = RedisPurposeMap[P]['commands'][number] extends infer Name
  ? Name extends string
    ? Extract<keyof Redis, Name | `${Name}Buffer`>
    : never
  : never;

type BlockingMethod = 'xread' | 'xreadBuffer' | 'xreadgroup' | 'xreadgroupBuffer';

/** Composition and scripts; what they carry passes the same guard. */
type Composition = 'pipeline' | 'multi' | 'call' | 'callBuffer';

/**
 * A real ioredis client, narrowed to what its purpose may do. There is no wrapper: what is not in this
 * type is refused at run time as well.
 */
export type PurposeRedis<P extends Purpose> = Pick<LaneClient, Composition> &
  Pick<Redis, Exclude<GrantedMethod<P>, BlockingMethod>>;

/** The blocking lane: reads with a finite BLOCK, and a way to call them off. */
export type BlockingRedis<P extends Purpose> = 'blocking' extends keyof RedisPurposeMap[P]['lanes']
  ? Pick<Redis, Extract<GrantedMethod<P>, BlockingMethod>> & Pick<LaneClient, 'cancellable'>
  : never;
