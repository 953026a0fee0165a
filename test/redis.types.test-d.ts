/**
 * What must not compile. The compiler is the runner (`npm run typecheck`): an `@ts-expect-error` that expects
 * nothing is itself an error. Nothing here is executed. What an added purpose does to these types: a program of its
 * own, in redis-augmentation.spec.ts.
 */
import {
  type BlockingRedis,
  InjectRedis,
  type LaneOf,
  type BuiltInPurpose,
  type PurposeRedis,
  RedisModule,
} from '../src/redis/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Has<T, Name extends PropertyKey> = Name extends keyof T ? true : false;

/** Compiles for `true` only. */
function proves<Fact extends true>(): Fact | undefined {
  return undefined;
}

// Names.
InjectRedis('rateLimit');
RedisModule.forPurpose('securityTokens');
// @ts-expect-error a misspelt purpose
InjectRedis('rateLmit');
// @ts-expect-error a misspelt purpose
RedisModule.forPurpose('rateLmit');
// @ts-expect-error a purpose that nobody augmented the table with
RedisModule.forPurpose('search');
// @ts-expect-error a purpose whose name is known only at run time
InjectRedis('rate' + 'Limit');
// @ts-expect-error a misspelt purpose in a type
export type Misspelt = PurposeRedis<'rateLmit'>;
proves<Equal<BuiltInPurpose, 'rateLimit' | 'authCache' | 'securityTokens' | 'billingEvents'>>();

// Lanes.
InjectRedis('billingEvents', 'blocking');
InjectRedis('billingEvents', 'bulk');
InjectRedis('rateLimit', 'command');
// @ts-expect-error a lane that the row lacks
InjectRedis('rateLimit', 'blocking');
// @ts-expect-error a lane that no row has
InjectRedis('billingEvents', 'subscriber');
proves<Equal<LaneOf<'billingEvents'>, 'command' | 'blocking' | 'bulk'>>();
proves<Equal<LaneOf<'securityTokens'>, 'command'>>();

// Commands: those of the row, and no way round them.
declare const tokens: PurposeRedis<'securityTokens'>;
proves<Equal<ReturnType<typeof tokens.getdel>, Promise<string | null>>>();
proves<Has<typeof tokens, 'getdelBuffer'>>();
// @ts-expect-error
void tokens.flushall();
// @ts-expect-error
void tokens.flushdb();
// @ts-expect-error
void tokens.select(1);
// @ts-expect-error
void tokens.xadd('st:log', '*', 'f', 'v');
// @ts-expect-error
void tokens.keys('*');
// @ts-expect-error
void tokens.scan(0);
// @ts-expect-error
void tokens.quit();
// @ts-expect-error
tokens.disconnect();
// @ts-expect-error
void tokens.connect();
// @ts-expect-error
tokens.duplicate();
// @ts-expect-error
void tokens.monitor();
// @ts-expect-error
void tokens.subscribe('channel');
// @ts-expect-error
void tokens.watch('st:key');
// @ts-expect-error
void tokens.auth('password');
// @ts-expect-error
void tokens.incr('st:counter');
// @ts-expect-error
void tokens.sendCommand();
// @ts-expect-error the options hold where and how it connects
void tokens.options;
// @ts-expect-error our own ways past the guard
void tokens.raw('FLUSHALL');
// @ts-expect-error our own ways past the gate
tokens.openGate();

// Two purposes have two types: what is granted to one is no method of the other.
declare const limits: PurposeRedis<'rateLimit'>;
proves<Has<typeof limits, 'incrby'>>();
// @ts-expect-error
void limits.getdel('rl:key');
// @ts-expect-error the client of one purpose where that of another is wanted
export const swapped: PurposeRedis<'billingEvents'> = limits;

// Reads that may block exist on the blocking lane only, and that lane has nothing else.
declare const events: PurposeRedis<'billingEvents'>;
declare const reader: BlockingRedis<'billingEvents'>;
proves<Has<typeof events, 'xadd'>>();
proves<Has<typeof reader, 'xread'>>();
proves<Has<typeof reader, 'xreadgroup'>>();
proves<Has<typeof reader, 'cancellable'>>();
// @ts-expect-error
void events.xread('BLOCK', 1000, 'STREAMS', 'billing:log', '$');
// @ts-expect-error
void events.xreadgroup('GROUP', 'g', 'c', 'STREAMS', 'billing:log', '>');
// @ts-expect-error
void events.cancellable;
// @ts-expect-error
void reader.xadd('billing:log', '*', 'f', 'v');
// @ts-expect-error
void reader.get('billing:key');
proves<Equal<BlockingRedis<'securityTokens'>, never>>();
