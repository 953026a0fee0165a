import { inspect } from 'node:util';
import { type ChainableCommander, Redis, type RedisOptions } from 'ioredis';
import type { CommandGuard, GuardedCommand } from './command-guard.js';
import { fencePipeline } from './pipeline-fence.js';
import type { Lane } from './purposes.js';
import { RedisIsolationError } from './redis.errors.js';

/** The library's options, with the shape of replies that its types give. */
export type LibraryOptions = RedisOptions & { replyMapping?: 'legacy' };

export interface GuardedClientOptions {
  readonly purpose: string;
  readonly lane: Lane;
  readonly guard: CommandGuard;
}

/**
 * What every client that a feature may hold has in common: pipelines are fenced, what would change or copy the
 * shared connection is refused, and no printer sees its insides.
 */
export abstract class GuardedClient extends Redis {
  readonly #guarded: GuardedClientOptions;

  protected constructor(guarded: GuardedClientOptions, connection: LibraryOptions) {
    super(connection);
    this.#guarded = guarded;
  }

  /** Calls that wait for their answer. */
  abstract get inFlight(): number;

  abstract get usable(): boolean;

  /** Waits for a blocking read until `signal` says no; the read's connection is then replaced. */
  abstract cancellable<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T>;

  /** Its owner is closing it. */
  protected abstract get ending(): boolean;

  /** @throws RedisUnavailableError when nothing can be sent now */
  protected abstract assertUsable(): void;

  override pipeline(commands?: unknown[][]): ChainableCommander {
    const pipeline = fencePipeline(super.pipeline(), this.#fence());
    return commands ? addBatch(pipeline, commands) : pipeline;
  }

  override multi(options: { pipeline: false }): Promise<'OK'>;
  override multi(options?: { pipeline: true }): ChainableCommander;
  override multi(commands?: unknown[][]): ChainableCommander;
  override multi(argument?: unknown[][] | { pipeline: boolean }): ChainableCommander | Promise<'OK'> {
    if (argument && !Array.isArray(argument) && !argument.pipeline)
      return Promise.reject(this.#refusal('multi'));
    const pipeline = fencePipeline(super.multi(), this.#fence());
    return Array.isArray(argument) ? addBatch(pipeline, argument) : pipeline;
  }

  override disconnect(reconnect = false): void {
    // The library calls this with true to recover from a broken protocol; only our own close() ends for good.
    if (!reconnect && !this.ending) throw this.#refusal('disconnect');
    super.disconnect(reconnect);
  }

  /** Would change a client that other features share; scripts are LuaScript's. */
  override defineCommand(): never {
    throw this.#refusal('defineCommand');
  }

  override duplicate(): never {
    throw this.#refusal('duplicate');
  }

  override monitor(): never {
    throw this.#refusal('monitor');
  }

  toJSON(): string {
    return String(this);
  }

  override toString(): string {
    const { purpose, lane } = this.#guarded;
    return `${this.constructor.name}(${purpose}:${lane}, ${this.usable ? 'usable' : 'unusable'})`;
  }

  [inspect.custom](): string {
    return String(this);
  }

  #fence() {
    const { purpose, guard } = this.#guarded;
    return { purpose, guard, assertUsable: () => this.assertUsable() };
  }

  #refusal(method: string): RedisIsolationError {
    const rule = 'the connection is shared and owned by the registry';
    return new RedisIsolationError(this.#guarded.purpose, method, rule);
  }
}

/** Only one blocking read at a time: a second one would wait for the first. */
export function blockingLaneBusy(
  { purpose, lane }: GuardedClientOptions,
  inFlight: number,
  command: GuardedCommand,
): RedisIsolationError | undefined {
  return lane === 'blocking' && inFlight > 0
    ? new RedisIsolationError(purpose, command.name, 'a blocking read is already waiting on this lane')
    : undefined;
}

function addBatch(pipeline: ChainableCommander, commands: unknown[][]): ChainableCommander {
  (pipeline as unknown as { addBatch(batch: unknown[][]): void }).addBatch(commands);
  return pipeline;
}
