import { BLOCKING_COMMANDS, type CommandSpec, commandSpec, keyIndexes, readStreamsCall } from './commands.js';
import { keySlot } from './key-slot.js';
import type { Lane, PurposeDefinition } from './purposes.js';
import { RedisIsolationError } from './redis.errors.js';

/** What the guard needs to see of a command. */
export interface GuardedCommand {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Commands that alter a connection which other callers share. Named to explain the refusal. */
const CONNECTION_STATE = new Set(
  [
    'select auth hello reset quit monitor client readonly readwrite asking',
    'subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe',
    'watch unwatch multi exec discard',
  ].flatMap((names) => names.split(' ')),
);

/** A variable that was missing in a template string makes one key for everybody. Texts only: digests are bytes. */
const NEVER_SET = /[:{](?:undefined|null|NaN|\[object Object\])(?=[:}]|$)|\{\}|:$/;

export const CROSS_SLOT =
  'its keys lie in different slots of the cluster; give them one part in braces, as in ns:{user}:a and ns:{user}:b';

const READS_ONLY = 'the blocking lane carries blocking reads only; use the command lane';

/**
 * The fence at the one seam that every command passes: plain calls, `call()`, pipelines, MULTI and scripts.
 * It lets through what is on the row's list and touches only keys of the row's namespace. The server's ACL
 * rule, generated from the same list, holds behind it against what a client cannot see, such as keys that
 * a script builds itself.
 */
export class CommandGuard {
  private readonly allowed: ReadonlyMap<string, CommandSpec>;
  private readonly keyPrefix: string;
  private readonly keyPrefixBytes: Buffer;

  constructor(
    private readonly purpose: string,
    private readonly definition: PurposeDefinition,
    private readonly lane: Lane,
    /** In a cluster: all keys of a command lie in one slot, since one node runs it. */
    private readonly oneSlot = false,
  ) {
    this.allowed = new Map(definition.commands.map((name) => [name, commandSpec(name) as CommandSpec]));
    this.keyPrefix = `${definition.namespace}:`;
    this.keyPrefixBytes = Buffer.from(this.keyPrefix);
  }

  /** @returns the refusal, or undefined when the command may be sent */
  judge(command: GuardedCommand): RedisIsolationError | undefined {
    const rule = this.ruleBrokenBy(command);
    if (rule === undefined) return undefined;
    const name = typeof command.name === 'string' ? command.name : 'command';
    return new RedisIsolationError(this.purpose, name, rule);
  }

  /** Milliseconds that a blocking read waits on the server; 0 for everything else. */
  blockMs({ name, args }: GuardedCommand): number {
    if (this.lane !== 'blocking' || !BLOCKING_COMMANDS.has(name.toLowerCase())) return 0;
    return readStreamsCall(args)?.blockMs ?? 0;
  }

  /** In a cluster the slot of a command's keys; undefined elsewhere, and for a command without a key. */
  slotOf({ name, args }: GuardedCommand): number | undefined {
    if (!this.oneSlot) return undefined;
    const spec = commandSpec(name.toLowerCase());
    const [index] = spec ? keyIndexes(spec.keys, args) : [];
    return index === undefined ? undefined : keySlot(args[index] as string | Buffer);
  }

  private ruleBrokenBy({ name, args }: GuardedCommand): string | undefined {
    if (typeof name !== 'string') return 'the name of a command is a text';
    // The names that the client library generates are lower-case; only call() brings others.
    let spec = this.allowed.get(name);
    if (!spec) {
      spec = this.allowed.get(name.toLowerCase());
      if (!spec) return whyNotAllowed(name.toLowerCase());
    }
    if (spec.keys === 'first') return this.keyRuleBrokenBy(args[0]) ?? this.otherLaneBrokenBy();
    return this.restBrokenBy(spec, name, args);
  }

  private restBrokenBy(spec: CommandSpec, name: string, args: readonly unknown[]): string | undefined {
    if (spec.subcommands && !spec.subcommands.includes(String(args[0]).toLowerCase())) {
      return `only ${spec.subcommands.join(', ')} is granted of it`;
    }
    const indexes = keyIndexes(spec.keys, args);
    if (spec.keys === 'streams' && indexes.length === 0)
      return 'its options and streams cannot be told apart';
    if (spec.keys === 'counted' && indexes.length === 0) return 'a script must name its keys in KEYS';
    for (const index of indexes) {
      const broken = this.keyRuleBrokenBy(args[index]);
      if (broken !== undefined) return broken;
    }
    if (this.oneSlot && slotsOf(spec, args).size > 1) return CROSS_SLOT;
    return this.laneRuleBrokenBy(name, args);
  }

  private keyRuleBrokenBy(key: unknown): string | undefined {
    if (typeof key === 'string') return this.textRuleBrokenBy(key);
    if (!Buffer.isBuffer(key)) return 'its key is missing';
    const prefix = this.keyPrefixBytes;
    if (!key.subarray(0, prefix.length).equals(prefix)) return this.outsideNamespace();
    return key.length === prefix.length ? 'its key is empty behind the namespace' : undefined;
  }

  private textRuleBrokenBy(key: string): string | undefined {
    if (!key.startsWith(this.keyPrefix)) return this.outsideNamespace();
    return NEVER_SET.test(key) ? 'a part of its key is empty, or is a value that was never set' : undefined;
  }

  private outsideNamespace(): string {
    return `its key does not begin with ${this.keyPrefix}`;
  }

  /** For commands that never block. */
  private otherLaneBrokenBy(): string | undefined {
    return this.lane === 'blocking' ? READS_ONLY : undefined;
  }

  private laneRuleBrokenBy(name: string, args: readonly unknown[]): string | undefined {
    const blocking = BLOCKING_COMMANDS.has(name.toLowerCase());
    const block = blocking ? readStreamsCall(args)?.blockMs : undefined;
    if (this.lane !== 'blocking') {
      return block === undefined
        ? undefined
        : 'BLOCK would delay every command behind it; use the blocking lane';
    }
    if (!blocking) return READS_ONLY;
    const longest = this.definition.lanes.blocking?.commandMs ?? 0;
    if (block === undefined || !(block > 0) || block > longest) {
      return `the blocking lane wants BLOCK from 1 to ${longest} ms, so that shutdown and faults are noticed`;
    }
    return undefined;
  }
}

/** Slots of a cluster that the keys of a command lie in. */
export function slotsOf(spec: CommandSpec | undefined, args: readonly unknown[]): Set<number> {
  const indexes = spec ? keyIndexes(spec.keys, args) : [];
  return new Set(indexes.map((index) => keySlot(args[index] as string | Buffer)));
}

function whyNotAllowed(name: string): string {
  return CONNECTION_STATE.has(name)
    ? 'it changes the state of a connection that other callers share'
    : 'it is not on the list of commands of this purpose';
}
