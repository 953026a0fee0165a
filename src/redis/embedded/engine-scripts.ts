import { createHash } from 'node:crypto';
import type { EngineState } from './engine-library.js';

type LuaRuntime = Awaited<ReturnType<EngineState['getLuaRuntime']>>;
type LuaReply = ReturnType<LuaRuntime['eval']>;

/**
 * The package hands numbers to `redis.call` with 14 digits, Redis with 17: a time in microseconds would be stored
 * rounded. These lines give the script that follows a `redis` with exact numbers, without the minus of
 * `error_reply('-CODE …')`, and with a version; they stand on the script's own first line, so that line numbers
 * stay what they are.
 */
const PRELUDE = [
  'local redis=(function(r,s,t,f,u,x)',
  'local function w(g) return function(...)',
  'local n=s("#",...) local a',
  'for i=1,n do local v=s(i,...) if t(v)=="number" then a=a or {...} a[i]=f("%.17g",v) end end',
  'if a then return g(u(a,1,n)) end return g(...) end end',
  'local function e(m) if t(m)=="string" and m:sub(1,1)=="-" then return {err=m:sub(2)} end',
  'return r.error_reply(m) end',
  'local m=x({call=w(r.call),pcall=w(r.pcall),error_reply=e,',
  'REDIS_VERSION="7.0.15",REDIS_VERSION_NUM=458767},{__index=r})',
  'return x({},{__index=m,__newindex=function() error("Attempt to modify a readonly table",2) end})',
  'end)(redis,select,type,string.format,unpack,setmetatable) ',
].join(' ');
const SCRIPT_FLAGS = new Set([
  'allow-oom',
  'allow-stale',
  'no-cluster',
  'no-writes',
  'allow-cross-slot-keys',
]);

interface Script {
  body: Buffer;
  readOnly: boolean;
  fault?: string;
}

/** Mends the script runtime of one engine: exact numbers, `#!lua` headers, the hash that errors name, SELECT. */
export function mendScripts(state: EngineState): void {
  const load = state.getLuaRuntime.bind(state);
  let mended: Promise<LuaRuntime> | undefined;
  state.getLuaRuntime = () => (mended ??= load().then(mendRuntime));
}

function mendRuntime(runtime: LuaRuntime): LuaRuntime {
  const evaluate = runtime.eval.bind(runtime);
  runtime.eval = (source, keys, args, ...[context, options]) => {
    const { body, readOnly, fault } = readHeader(source);
    if (fault !== undefined) return { err: Buffer.from(fault), code: Buffer.from('ERR') };
    const script = Buffer.concat([Buffer.from(PRELUDE), body]);
    const { session } = context;
    const database = session.selectedDatabase;
    try {
      const reply = evaluate(script, keys, args, context, readOnly ? { ...options, readOnly } : options);
      return namingOriginal(reply, source);
    } finally {
      session.selectDatabase(database);
    }
  };
  return runtime;
}

/** `#!lua flags=no-writes` becomes an empty line: the flag is kept, the line count too. */
function readHeader(source: Buffer): Script {
  if (source.subarray(0, 2).toString() !== '#!') return { body: source, readOnly: false };
  const newline = source.indexOf('\n');
  const end = newline === -1 ? source.length : newline;
  const [engine, ...options] = source.subarray(0, end).toString().trim().split(/\s+/);
  const body = source.subarray(end);
  const flags = options.flatMap((option) => (option.startsWith('flags=') ? option.slice(6).split(',') : []));
  return { body, readOnly: flags.includes('no-writes'), ...faultOf(engine ?? '', options, flags) };
}

function faultOf(engine: string, options: string[], flags: string[]): { fault?: string } {
  if (engine !== '#!lua') return { fault: `Unexpected engine in script shebang: ${engine}` };
  const unknown = options.find((option) => !option.startsWith('flags='));
  if (unknown !== undefined) return { fault: `Unknown lua shebang option: ${unknown}` };
  const flag = flags.find((name) => name !== '' && !SCRIPT_FLAGS.has(name));
  return flag === undefined ? {} : { fault: `Unexpected flag in script shebang: ${flag}` };
}

function namingOriginal(reply: LuaReply, source: Buffer): LuaReply {
  if (reply === null || typeof reply !== 'object' || !('err' in reply) || reply.meta === undefined)
    return reply;
  return { ...reply, meta: { ...reply.meta, sha: createHash('sha1').update(source).digest('hex') } };
}
