/**
 * Every command that a purpose may be granted, with where its keys stand and a harmless way to call it.
 *
 * One table serves the guard (which keys does this call touch?), the ACL rule (what must the server
 * allow?) and the after-connect proof (does the server really allow it?). A command that is not here
 * cannot be put on a purpose's list, because nobody could say which keys it touches.
 */

/** Where the keys stand among the arguments: a first index and the rule for the others. */
export type KeyRule =
  | 'none'
  | 'first'
  | 'second'
  | 'all'
  /** EVAL family: the count is the second argument, the keys follow it. */
  | 'counted'
  /** XREAD family: half of what follows STREAMS. */
  | 'streams';

export interface CommandSpec {
  readonly keys: KeyRule;
  /** Calls for the proof; `$` stands for the probe key. Queued in MULTI and discarded, never run. */
  readonly proofs: readonly (readonly string[])[];
  /** The first arguments that are granted, for commands with subcommands. */
  readonly subcommands?: readonly string[];
}

const spec = (keys: KeyRule, proof: string): CommandSpec => ({
  keys,
  proofs: [proof === '' ? [] : proof.split(' ')],
});

/** @param proofs one call for each subcommand that is granted; nothing else of the command is */
const family = (keys: KeyRule, proofs: readonly string[]): CommandSpec => ({
  keys,
  proofs: proofs.map((proof) => proof.split(' ')),
  subcommands: proofs.map((proof) => proof.split(' ', 1)[0] as string),
});

export const COMMANDS = {
  ping: spec('none', ''),
  time: spec('none', ''),
  get: spec('first', '$'),
  getdel: spec('first', '$'),
  getex: spec('first', '$'),
  set: spec('first', '$ 1'),
  mget: spec('all', '$'),
  del: spec('all', '$'),
  unlink: spec('all', '$'),
  exists: spec('all', '$'),
  rename: spec('all', '$ $'),
  incr: spec('first', '$'),
  incrby: spec('first', '$ 1'),
  expire: spec('first', '$ 1'),
  pexpire: spec('first', '$ 1'),
  ttl: spec('first', '$'),
  pttl: spec('first', '$'),
  persist: spec('first', '$'),
  hget: spec('first', '$ f'),
  hgetall: spec('first', '$'),
  hlen: spec('first', '$'),
  hmget: spec('first', '$ f'),
  hset: spec('first', '$ f 1'),
  hdel: spec('first', '$ f'),
  hincrby: spec('first', '$ f 1'),
  sadd: spec('first', '$ m'),
  srem: spec('first', '$ m'),
  smembers: spec('first', '$'),
  sismember: spec('first', '$ m'),
  lpush: spec('first', '$ v'),
  ltrim: spec('first', '$ 0 1'),
  lrange: spec('first', '$ 0 1'),
  zadd: spec('first', '$ 1 m'),
  zrem: spec('first', '$ m'),
  zcard: spec('first', '$'),
  zscore: spec('first', '$ m'),
  zrange: spec('first', '$ 0 1'),
  zremrangebyscore: spec('first', '$ 0 1'),
  eval: spec('counted', 'return(0) 1 $'),
  evalsha: spec('counted', '0000000000000000000000000000000000000000 1 $'),
  script: family('none', ['load return(0)']),
  xadd: spec('first', '$ * f v'),
  xlen: spec('first', '$'),
  xdel: spec('first', '$ 1-1'),
  xtrim: spec('first', '$ MAXLEN 1'),
  xrange: spec('first', '$ - +'),
  xrevrange: spec('first', '$ + -'),
  xread: spec('streams', 'STREAMS $ 0'),
  xreadgroup: spec('streams', 'GROUP g c STREAMS $ >'),
  xack: spec('first', '$ g 1-1'),
  xclaim: spec('first', '$ g c 1 1-1'),
  xautoclaim: spec('first', '$ g c 1 0'),
  xpending: spec('first', '$ g'),
  xgroup: family('second', [
    'create $ g 0 MKSTREAM',
    'createconsumer $ g c',
    'delconsumer $ g c',
    'setid $ g 0',
    'destroy $ g',
  ]),
  xinfo: family('second', ['stream $', 'groups $', 'consumers $ g']),
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof COMMANDS;

/** The spec of a command by its lower-case name; undefined for one that no purpose can be granted. */
export function commandSpec(name: string): CommandSpec | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name as CommandName] : undefined;
}

/** Commands that wait on the server when told to; they belong on the blocking lane. */
export const BLOCKING_COMMANDS: ReadonlySet<string> = new Set(['xread', 'xreadgroup']);

const READ_ONLY: ReadonlySet<string> = new Set(
  [
    'ping time get mget exists ttl pttl hget hgetall hlen hmget smembers sismember lrange',
    'zcard zscore zrange script xlen xrange xrevrange xread xpending xinfo multi discard',
  ].flatMap((names) => names.split(' ')),
);

/** Whether a command may change data. A script may; what a transaction changed counts at its EXEC. */
export function mayWrite(name: string, inTransaction: boolean): boolean {
  return inTransaction ? name === 'exec' : !READ_ONLY.has(name);
}

/** Indexes of the key arguments. */
export function keyIndexes(rule: KeyRule, args: readonly unknown[]): number[] {
  switch (rule) {
    case 'none':
      return [];
    case 'first':
      return [0];
    case 'second':
      return [1];
    case 'all':
      return args.map((_, index) => index);
    case 'counted':
      return Array.from({ length: keyCount(args) }, (_, index) => index + 2);
    case 'streams': {
      const read = readStreamsCall(args);
      return read ? Array.from({ length: read.count }, (_, index) => read.first + index) : [];
    }
  }
}

export interface StreamsCall {
  /** Index of the first key, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** What BLOCK says; undefined without it. */
  readonly blockMs: number | undefined;
  /** Index of that number. */
  readonly blockAt: number | undefined;
}

/** How many arguments follow an option of the XREAD family. */
const STREAMS_OPTIONS: Readonly<Record<string, number>> = { GROUP: 2, COUNT: 1, BLOCK: 1, NOACK: 0 };

/**
 * Reads the arguments of XREAD and XREADGROUP as the server does, but strictly: each option once and spelt as
 * text. The server compares words up to a NUL byte, so `STREAMS\0` would name keys that a laxer reader missed.
 *
 * @returns undefined for anything else
 */
export function readStreamsCall(args: readonly unknown[]): StreamsCall | undefined {
  const seen = new Set<string>();
  let blockAt: number | undefined;
  for (let at = 0; at < args.length;) {
    const word = args[at];
    if (typeof word !== 'string') return undefined;
    const option = word.toUpperCase();
    if (option === 'STREAMS') {
      const rest = args.length - at - 1;
      if (rest < 2 || rest % 2 !== 0) return undefined;
      const blockMs = blockAt === undefined ? undefined : Number(args[blockAt]);
      return { first: at + 1, count: rest / 2, blockMs, blockAt };
    }
    const following = Object.hasOwn(STREAMS_OPTIONS, option) ? STREAMS_OPTIONS[option] : undefined;
    if (following === undefined || seen.has(option)) return undefined;
    seen.add(option);
    if (option === 'BLOCK') blockAt = at + 1;
    at += 1 + following;
  }
  return undefined;
}

function keyCount(args: readonly unknown[]): number {
  const count = Number(args[1]);
  return Number.isInteger(count) && count >= 0 && count <= args.length - 2 ? count : 0;
}
