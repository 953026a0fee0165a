import type { EngineIdentity } from './engine-info.js';
import type {
  CommandDefinition,
  CommandSchema,
  EngineLibrary,
  EngineRegistry,
  EngineResult,
  EngineValue,
  RedisExecutionContext,
} from './engine-library.js';
import { mendScans } from './engine-scan.js';

type Change = (value: EngineValue, context: RedisExecutionContext) => EngineValue;

/** Mends the commands whose answers differ from redis-server's and adds three that are missing. */
export function mendCommands(
  library: EngineLibrary,
  registry: EngineRegistry,
  identity: EngineIdentity,
): void {
  const commands = new Mender(library, registry);
  commands.answer('info', (value, context) =>
    mapText(value, (text) => identity.info(text, context.server.getConnectedClients().length)),
  );
  commands.answer('client', (value) => mapText(value, (text) => identity.clientLines(text)));
  commands.answer('xpending', pendingSummary);
  commands.answer('xinfo', withoutInactive);
  commands.unknownGroupIsZero('xack');
  commands.exactTrim('xadd');
  commands.exactTrim('xtrim');
  commands.unblockable('xread');
  commands.unblockable('xreadgroup');
  commands.fineTime();
  commands.add('echo', library.t.object({ message: library.t.bulk() }), ({ message }) =>
    library.RedisValue.bulkString(message),
  );
  commands.add('role', library.t.object({}), () =>
    library.RedisValue.array([text('master'), { kind: 'integer', value: 0 }, { kind: 'array', items: [] }]),
  );
  commands.add(
    'wait',
    library.t.object({ replicas: library.t.integer(), timeout: library.t.integer() }),
    () => library.RedisValue.integer(0),
  );
  mendScans(registry);
}

class Mender {
  constructor(
    private readonly library: EngineLibrary,
    private readonly registry: EngineRegistry,
  ) {}

  /** Changes what a command answers. */
  answer(name: string, change: Change): void {
    const { RedisResult } = this.library;
    this.wrap(name, (original) => ({
      execute: (args, context) => {
        const result = original.execute(args, context);
        if (!(result instanceof RedisResult)) return result;
        return RedisResult.create(change(result.value, context), result.options);
      },
    }));
  }

  /** `MAXLEN = n` and `MINID = id` are the exact forms: the same as without the sign, which the package knows. */
  exactTrim(name: string): void {
    const { t } = this.library;
    this.wrap(name, (original) => ({
      schema: t.custom((input, index, context) => {
        const at = input.findIndex((word, place) => place > index && isTrimWord(word, input[place + 1]));
        if (at === -1) return original.schema.parse(input, index, context);
        const words = input.filter((_, place) => place !== at + 1);
        const { value, nextIndex } = original.schema.parse(words, index, context);
        return { value, nextIndex: nextIndex + 1 };
      }),
    }));
  }

  /** XACK of a stream or a group that does not exist acknowledges nothing; the package raises NOGROUP. */
  unknownGroupIsZero(name: string): void {
    const { RedisCommandError, RedisResult } = this.library;
    this.wrap(name, (original) => ({
      execute: (args, context) => {
        try {
          return original.execute(args, context);
        } catch (error) {
          if (error instanceof RedisCommandError && error.code === 'NOGROUP') {
            return RedisResult.create({ kind: 'integer', value: 0 });
          }
          throw error;
        }
      },
    }));
  }

  /** A script cannot wait. The package would start to, and from then on let no command pass. */
  unblockable(name: string): void {
    const { RedisCommandError } = this.library;
    this.wrap(name, (original) => ({
      execute: (args, context) => {
        const { blockMs } = (args as { args: { blockMs: number | null } }).args;
        if (blockMs !== null && context.monitor?.clientAddress === 'lua') {
          throw new RedisCommandError(
            `${name.toUpperCase()} command is not allowed with BLOCK option from scripts`,
          );
        }
        return original.execute(args, context);
      },
    }));
  }

  /** TIME in microseconds; the package's has milliseconds. */
  fineTime(): void {
    const { RedisResult } = this.library;
    const now = microsecondClock();
    this.wrap('time', () => ({
      execute: () => {
        const { seconds, micros } = now();
        return RedisResult.create({ kind: 'array', items: [text(String(seconds)), text(String(micros))] });
      },
    }));
  }

  /** Adds a command without keys. */
  add<T>(name: string, schema: CommandSchema<T>, reply: (args: T) => EngineValue): void {
    const execute = (args: T): EngineResult => this.library.RedisResult.create(reply(args));
    this.registry.register({ name, schema, flags: ['fast'], keys: () => [], execute });
  }

  private wrap(name: string, change: (original: CommandDefinition) => Partial<CommandDefinition>): void {
    const original = this.registry.get(name);
    if (original !== undefined) this.registry.override({ ...original, ...change(original) });
  }
}

function text(value: string): EngineValue {
  return { kind: 'bulk-string', value: Buffer.from(value) };
}

function mapText(value: EngineValue, change: (text: string) => string): EngineValue {
  return value.kind === 'bulk-string' && value.value !== null ? text(change(value.value.toString())) : value;
}

/** In the summary of Redis the counts per consumer are text, and without a pending entry there is no list. */
function pendingSummary(value: EngineValue): EngineValue {
  if (value.kind !== 'array' || value.items[0]?.kind !== 'integer') return value;
  if (value.items[0].value === 0) value.items[3] = { kind: 'null-array' };
  const consumers = value.items[3];
  for (const consumer of consumers?.kind === 'array' ? consumers.items : []) {
    const count = consumer.kind === 'array' ? consumer.items[1] : undefined;
    if (consumer.kind === 'array' && count?.kind === 'integer') consumer.items[1] = text(String(count.value));
  }
  return value;
}

/** `inactive` of a consumer came with Redis 7.2. */
function withoutInactive(value: EngineValue): EngineValue {
  for (const item of value.kind === 'array' ? value.items : []) {
    if (item.kind !== 'map') continue;
    const kept = item.entries.filter(
      ([name]) => name.kind !== 'bulk-string' || name.value?.toString() !== 'inactive',
    );
    item.entries.splice(0, item.entries.length, ...kept);
  }
  return value;
}

function isTrimWord(word: Buffer, sign: Buffer | undefined): boolean {
  return sign?.toString() === '=' && ['MAXLEN', 'MINID'].includes(word.toString().toUpperCase());
}

/**
 * Wall-clock milliseconds, and within one millisecond what the monotonic clock adds. It does not run backwards, unless
 * the wall clock was set back by more than a second.
 */
function microsecondClock(): () => { seconds: number; micros: number } {
  let millisecond = 0;
  let since = 0;
  let latest = 0;
  return () => {
    const now = Date.now();
    if (now !== millisecond) {
      millisecond = now;
      since = performance.now();
    }
    const time = now * 1000 + Math.min(999, Math.floor((performance.now() - since) * 1000));
    latest = time < latest - 1_000_000 ? time : Math.max(latest, time);
    return { seconds: Math.floor(latest / 1_000_000), micros: latest % 1_000_000 };
  };
}
