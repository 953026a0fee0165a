import { expect } from 'vitest';
import { pause, refused, replies, send, type Line } from './commands.js';
import type { ContractEngine } from './engine.js';

/**
 * Where the embedded engine does not do as redis-server does, and the adapter cannot mend it. Both behaviours are
 * asserted, each on its own engine: when one of them changes, a case fails and docs/embedded-engine.md, which must
 * list exactly these titles, is brought up to date.
 */
export interface PinnedDifference {
  readonly title: string;
  observe(engine: ContractEngine): Promise<unknown>;
  readonly embedded: unknown;
  readonly real: unknown;
}

type Observation = readonly Line[] | ((engine: ContractEngine) => Promise<unknown>);

function pinnedDifference(
  title: string,
  observation: Observation,
  { embedded, real }: { embedded: unknown; real: unknown },
): PinnedDifference {
  const observe =
    typeof observation === 'function'
      ? observation
      : async ({ redis }: ContractEngine): Promise<unknown> => (await replies(redis, ...observation)).at(-1);
  return { title, observe, embedded, real };
}

const script = (source: string, ...words: string[]): Line => ['EVAL', source, String(words.length), ...words];
const text = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const refusal = (pattern: RegExp): unknown =>
  expect.objectContaining({ message: expect.stringMatching(pattern) });

async function blockedReadWhile(engine: ContractEngine, act: Line): Promise<unknown> {
  await engine.redis.xgroup('CREATE', 'x', 'g', '$', 'MKSTREAM');
  const waiting = send(await engine.connect(), 'XREADGROUP GROUP g c BLOCK 150 STREAMS x >');
  await pause(20);
  await send(engine.redis, act);
  return waiting;
}

async function lengthAfterApproximateTrim({ redis }: ContractEngine): Promise<number> {
  const pipeline = redis.pipeline();
  for (let at = 0; at < 500; at += 1) pipeline.xadd('x', 'MAXLEN', '~', '50', '*', 'f', 'v');
  await pipeline.exec();
  return redis.xlen('x');
}

async function waitsForReplica({ redis }: ContractEngine): Promise<boolean> {
  const startedAt = performance.now();
  await redis.wait(1, 100);
  return performance.now() - startedAt > 90;
}

async function answersLargeHashInOnePage({ redis }: ContractEngine): Promise<boolean> {
  await redis.hset('h', Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`f${at}`, '1'])));
  const [cursor] = await redis.hscan('h', '0', 'COUNT', 10);
  return cursor === '0';
}

async function writeBeyondMaxmemory({ redis }: ContractEngine): Promise<unknown> {
  const replied = await replies(redis, 'CONFIG SET maxmemory 1', 'SET a 1', 'CONFIG SET maxmemory 0');
  return replied[1];
}

/** Keeps a script busy until the time to live of the key it wrote has passed. */
const OUTLASTS_ITS_KEY = `
redis.call('SET', KEYS[1], 'v', 'PX', 5)
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + time[2] / 1000
end
local from = now()
repeat until now() > from + 20
return redis.call('EXISTS', KEYS[1])
`;

export const PINNED_DIFFERENCES: readonly PinnedDifference[] = [
  pinnedDifference('INFO says that the engine is embedded', ['INFO server'], {
    embedded: text(/^engine:embedded\r?$/m),
    real: text(/^(?![^]*engine:embedded)[^]*executable:/),
  }),
  pinnedDifference('INFO has no memory, CPU or traffic figures', ['INFO memory'], {
    embedded: text(/^used_memory:0\r?$/m),
    real: text(/^used_memory:[1-9]\d+\r?$/m),
  }),
  pinnedDifference('ACL rules are not there', ['ACL SETUSER someone on nopass ~rl:* -@all'], {
    embedded: refused("ERR unknown subcommand 'SETUSER'. Try ACL HELP."),
    real: 'OK',
  }),
  pinnedDifference('maxmemory is accepted and ignored', writeBeyondMaxmemory, {
    embedded: 'OK',
    real: refused("OOM command not allowed when used memory > 'maxmemory'."),
  }),
  pinnedDifference(
    'CLIENT knows SETNAME, GETNAME, ID, INFO, LIST and KILL ID only',
    ['CLIENT UNBLOCK 999999'],
    {
      embedded: refused("ERR unknown subcommand 'UNBLOCK'. Try CLIENT HELP."),
      real: 0,
    },
  ),
  pinnedDifference(
    'OBJECT, MEMORY, DUMP, SWAPDB, LATENCY and LCS are missing',
    ['SET a 1', 'OBJECT ENCODING a'],
    {
      embedded: refused("ERR unknown command 'object', with args beginning with: 'ENCODING' 'a' "),
      real: 'int',
    },
  ),
  pinnedDifference(
    'nothing is written to disk, and SAVE, BGSAVE and BGREWRITEAOF are missing',
    ['BGREWRITEAOF'],
    {
      embedded: refused("ERR unknown command 'bgrewriteaof', with args beginning with: "),
      real: text(/^Background append only file rewriting/),
    },
  ),
  pinnedDifference('WAIT answers at once, whatever is asked for', waitsForReplica, {
    embedded: false,
    real: true,
  }),
  pinnedDifference('HSCAN, SSCAN and ZSCAN answer everything in one page', answersLargeHashInOnePage, {
    embedded: true,
    real: false,
  }),
  pinnedDifference('a trim with ~ is nearly exact', lengthAfterApproximateTrim, { embedded: 51, real: 100 }),
  pinnedDifference(
    'a blocked XREADGROUP is not told that its stream is gone',
    (engine) => blockedReadWhile(engine, 'DEL x'),
    { embedded: null, real: refused('UNBLOCKED the stream key no longer exists') },
  ),
  pinnedDifference(
    'a blocked XREADGROUP is not told that its group is gone',
    (engine) => blockedReadWhile(engine, 'XGROUP DESTROY x g'),
    {
      embedded: null,
      real: refused('NOGROUP the consumer group this client was blocked on no longer exists'),
    },
  ),
  pinnedDifference('XRANGE with COUNT 0 is an empty list', ['XADD x 1-1 a 1', 'XRANGE x - + COUNT 0'], {
    embedded: [],
    real: null,
  }),
  pinnedDifference(
    'XPENDING with a count of 0 answers one entry',
    ['XADD x 1-1 a 1', 'XGROUP CREATE x g 0', 'XREADGROUP GROUP g c STREAMS x >', 'XPENDING x g - + 0'],
    { embedded: [['1-1', 'c', expect.any(Number), 1]], real: [] },
  ),
  pinnedDifference('XGROUP DESTROY of a missing stream is 0', ['XGROUP DESTROY missing g'], {
    embedded: 0,
    real: refusal(/^ERR The XGROUP subcommand requires the key to exist/),
  }),
  pinnedDifference(
    'XINFO STREAM counts trimmed entries as deleted',
    ['XADD x 1-1 a 1', 'XTRIM x MAXLEN 0', 'XINFO STREAM x'],
    {
      embedded: expect.arrayContaining(['max-deleted-entry-id', '1-1']),
      real: expect.arrayContaining(['max-deleted-entry-id', '0-0']),
    },
  ),
  pinnedDifference(
    'some refusals have another text',
    ['XGROUP CREATE x g 0 MKSTREAM', 'XINFO CONSUMERS x missing'],
    {
      embedded: refused("NOGROUP No such key 'x' or consumer group 'missing'"),
      real: refused("NOGROUP No such consumer group 'missing' for key name 'x'"),
    },
  ),
  pinnedDifference('a wrong number is refused in more general words', ['XREAD STREAMS x y 0'], {
    embedded: refused("ERR wrong number of arguments for 'xread' command"),
    real: refused(
      "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
    ),
  }),
  pinnedDifference('decimals have fewer digits', ['ZADD z 0.1 a', 'ZSCORE z a'], {
    embedded: '0.1',
    real: '0.10000000000000001',
  }),
  pinnedDifference(
    'the line of a failing command in a script is always 1',
    [script("\n\nreturn redis.call('NOPE')")],
    {
      embedded: refusal(/on @user_script:1\.$/),
      real: refusal(/on @user_script:3\.$/),
    },
  ),
  pinnedDifference(
    'a wrong number of arguments in a script has another text',
    [script("return redis.call('INCR')")],
    {
      embedded: refusal(/^ERR wrong number of arguments for 'incr' command script: /),
      real: refusal(/^ERR Wrong number of args calling Redis command from script script: /),
    },
  ),
  pinnedDifference('error() with a table loses its text', [script("error({err='MYCODE failed'})")], {
    embedded: refusal(/^ERR script execution failed/),
    real: refusal(/^MYCODE failed script: /),
  }),
  pinnedDifference('SCRIPT LOAD does not compile', [['SCRIPT', 'LOAD', 'this is no Lua']], {
    embedded: text(/^[0-9a-f]{40}$/),
    real: refusal(/^ERR Error compiling script \(new function\): user_script:1: /),
  }),
  pinnedDifference(
    "string.format('%d') ends at 2^31",
    [script("return string.format('%d', 1795219493123456)")],
    {
      embedded: '2147483647',
      real: '1795219493123456',
    },
  ),
  pinnedDifference('a script that returns several values answers the last', [script('return 1, 2')], {
    embedded: 2,
    real: 1,
  }),
  pinnedDifference(
    'redis.setresp(3) changes nothing',
    [script("redis.setresp(3) return redis.call('GET', KEYS[1]) == nil", 'missing')],
    { embedded: 0, real: 1 },
  ),
  pinnedDifference('replies of type double, map and set are empty lists', [script('return {double=1.5}')], {
    embedded: [],
    real: '1.5',
  }),
  pinnedDifference(
    'redis.replicate_commands, breakpoint, debug and acl_check_cmd are missing',
    [script('return redis.replicate_commands()')],
    { embedded: refusal(/attempt to call field 'replicate_commands'/), real: 1 },
  ),
  pinnedDifference(
    'a long loop in a script is cut off',
    [script('local n = 0 for i = 1, 1e7 do n = n + i end return n')],
    {
      embedded: refusal(/^ERR Script killed by fuel limit/),
      real: 50000005000000,
    },
  ),
  pinnedDifference('keys go on expiring while a script runs', [script(OUTLASTS_ITS_KEY, 'k')], {
    embedded: 0,
    real: 1,
  }),
];
