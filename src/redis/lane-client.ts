import { inspect } from 'node:util';
import { type ChainableCommander, Command, Redis, type RedisOptions } from 'ioredis';
import type { Clock } from '../kernel/time.js';
import type { RequestRecord } from '../telemetry/index.js';
import { Call, type CallHost } from './call.js';
import type { CommandGuard } from './command-guard.js';
import type { CallOutcome, FlightDeck } from './flight-deck.js';
import type { LaneGate } from './lane-gate.js';
import { fencePipeline } from './pipeline-fence.js';
import type { Lane, LaneBudget } from './purposes.js';
import type { WriteBatch } from './write-batch.js';
import { RedisAbortedError, RedisIsolationError, type UnavailableReason } from './redis.errors.js';

/** What the lane tells its compartment about the calls that pass. */
export interface LaneWatcher {
  /** A call ended; milliseconds since it was made. */
  called(outcome: CallOutcome, ms: number): void;
  /** The server refused a call for a reason of its own: READONLY, OOM, NOPERM … */
  refused(reason: UnavailableReason): void;
  /** The server sent what nobody asked for; the connection is about to end. */
  violated(detail: string): void;
  /** The connection stopped answering, or answers again. */
  stalled(stalled: boolean): void;
}

export interface LaneClientOptions {
  readonly purpose: string;
  readonly lane: Lane;
  readonly budget: LaneBudget;
  readonly guard: CommandGuard;
  readonly watcher: LaneWatcher;
  readonly clock: Clock;
  readonly connection: RedisOptions & { replyMapping?: 'legacy' };
}

/** Shared by a lane's client and its control. */
export interface LaneParts {
  readonly gate: LaneGate;
  readonly batch: WriteBatch;
  readonly deck: FlightDeck;
  /** When the current batch was begun, and when bytes last came; a clock per call would be a tenth of its cost. */
  sentMs: number;
  receivedMs: number;
}

type SendStream = Parameters<Redis['sendCommand']>[1];

/**
 * The ioredis client of one lane, with everything that makes it safe to hand out at its one seam,
 * `sendCommand`: the guard, a gate that is shut until the server has been proven, a bound on every call,
 * our errors instead of the library's, and one write to the socket per turn instead of one per command.
 */
export class LaneClient extends Redis {
  readonly #options: LaneClientOptions;
  readonly #parts: LaneParts;
  readonly #host: CallHost;

  /** Use `createLane`. */
  constructor(options: LaneClientOptions, parts: LaneParts) {
    super(options.connection);
    const { purpose, clock, watcher } = options;
    const { gate, deck } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#host = {
      purpose,
      gate,
      answered: () => deck.answered(),
      settled: ({ startedMs, record }, outcome, refusal) => {
        const nowMs = outcome === 'ok' ? parts.receivedMs : clock.monotonicMs();
        const ms = nowMs - startedMs;
        watcher.called(outcome, ms);
        if (refusal) watcher.refused(refusal);
        if (record) noteUsage(record, purpose, ms);
      },
    };
  }

  get inFlight(): number {
    return this.#parts.deck.size;
  }

  get usable(): boolean {
    const { gate, deck } = this.#parts;
    return gate.isOpen && !deck.stalled && this.stream.writable;
  }

  /** Waits for a blocking read until `signal` says no; the read's connection is then replaced. */
  cancellable<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    const { purpose } = this.#options;
    if (signal.aborted) return Promise.reject(new RedisAbortedError(purpose));
    return new Promise<T>((resolve, reject) => {
      const abort = () => {
        reject(new RedisAbortedError(purpose));
        this.#parts.gate.replace();
        this.stream.destroy();
      };
      signal.addEventListener('abort', abort, { once: true });
      // Called inside a promise, so that a read which throws at once leaves no listener behind.
      new Promise<T>((settle) => settle(read()))
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', abort));
    });
  }

  override sendCommand(command: Command, stream?: SendStream): unknown {
    const { guard, watcher, clock, budget } = this.#options;
    // The commands of a pipeline have been judged when they were queued.
    const refusal = stream ? undefined : (guard.judge(command) ?? this.#laneBusy(command));
    if (refusal || !this.usable) {
      watcher.called('rejected', 0);
      command.reject(refusal ?? this.#parts.gate.refusal());
      return command.promise;
    }
    const { batch, deck } = this.#parts;
    // A pipeline writes to the socket by itself, so what was called before it has to be sent before it.
    if (stream) {
      batch.flushTo(this.stream);
      this.#parts.sentMs = clock.monotonicMs();
    } else this.#openBatch();
    const blockMs = guard.blockMs(command);
    const budgetMs = blockMs > 0 ? blockMs + budget.silenceMs : budget.commandMs;
    deck.add(new Call(this.#host, command, this.#parts.sentMs, budgetMs));
    const answer = super.sendCommand(command, stream ?? (batch as WriteBatch & NonNullable<SendStream>));
    if (batch.full) batch.flushTo(this.stream);
    return answer;
  }

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
    if (!reconnect && !this.#parts.gate.closing) throw this.#refusal('disconnect');
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
    const { purpose, lane } = this.#options;
    return `LaneClient(${purpose}:${lane}, ${this.usable ? 'usable' : 'unusable'})`;
  }

  [inspect.custom](): string {
    return String(this);
  }

  #fence() {
    const { purpose, guard } = this.#options;
    return {
      purpose,
      guard,
      assertUsable: () => {
        if (!this.usable) throw this.#parts.gate.refusal();
      },
    };
  }

  #laneBusy(command: Command): RedisIsolationError | undefined {
    const { lane, purpose } = this.#options;
    return lane === 'blocking' && this.#parts.deck.size > 0
      ? new RedisIsolationError(purpose, command.name, 'a blocking read is already waiting on this lane')
      : undefined;
  }

  #refusal(method: string): RedisIsolationError {
    return new RedisIsolationError(
      this.#options.purpose,
      method,
      'the connection is shared and owned by the registry',
    );
  }

  /** Opens the batch of this turn of callbacks, unless one is open. */
  #openBatch(): void {
    const { batch } = this.#parts;
    if (batch.open) return;
    batch.open = true;
    this.#parts.sentMs = this.#options.clock.monotonicMs();
    process.nextTick(() => batch.flushTo(this.stream));
  }
}

function noteUsage(record: RequestRecord, purpose: string, ms: number): void {
  const usage = (record.redis[purpose] ??= { calls: 0, ms: 0 });
  usage.calls += 1;
  usage.ms += ms;
}

function addBatch(pipeline: ChainableCommander, commands: unknown[][]): ChainableCommander {
  (pipeline as unknown as { addBatch(batch: unknown[][]): void }).addBatch(commands);
  return pipeline;
}
