import { Command, type Redis } from 'ioredis';
import type { Clock } from '../kernel/time.js';
import { noteUsage } from '../telemetry/index.js';
import { Call, type CallHost } from './call.js';
import { cancellable } from './cancellable.js';
import type { CommandGuard } from './command-guard.js';
import { mayWrite } from './commands.js';
import type { CallOutcome, FlightDeck } from './flight-deck.js';
import type { LaneGate } from './lane-gate.js';
import { GroupCommit } from './group-commit.js';
import { GuardedClient, type LibraryOptions, blockingLaneBusy } from './guarded-client.js';
import type { Lane, LaneBudget } from './purposes.js';
import type { WriteBatch } from './write-batch.js';
import type { RedisUnavailableError, UnavailableReason } from './redis.errors.js';

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
  readonly connection: LibraryOptions;
  /** Replicas that must have a write before its caller hears of it; 0: none. */
  readonly waitReplicas: number;
  /** The lane is one node's, and whoever sends follows redirections. */
  readonly redirects: boolean;
}

/** Shared by a lane's client and its control. */
export interface LaneParts {
  readonly gate: LaneGate;
  readonly batch: WriteBatch;
  readonly deck: FlightDeck;
  /** When the current batch was begun, and when bytes last came; a clock per call would be a tenth of its cost. */
  sentMs: number;
  receivedMs: number;
  /** Where writes wait for replicas. */
  commit: GroupCommit | undefined;
  /** Sends what has been judged; for the owner of the lane, past the guard. */
  dispatch: (command: Command, budgetMs?: number) => void;
}

type SendStream = Parameters<Redis['sendCommand']>[1];

/**
 * The ioredis client of one lane, with everything that makes it safe to hand out at its one seam,
 * `sendCommand`: the guard, a gate that is shut until the server has been proven, a bound on every call,
 * our errors instead of the library's, and one write to the socket per turn instead of one per command.
 */
export class LaneClient extends GuardedClient {
  readonly #options: LaneClientOptions;
  readonly #parts: LaneParts;
  readonly #host: CallHost;

  /** Use `createLane`. */
  constructor(options: LaneClientOptions, parts: LaneParts) {
    super(options, options.connection);
    const { purpose, clock, watcher } = options;
    const { gate, deck } = parts;
    this.#options = options;
    this.#parts = parts;
    if (options.waitReplicas > 0) parts.commit = new GroupCommit(options.waitReplicas, () => this.#wait());
    parts.dispatch = (command, budgetMs) => void this.#dispatch(command, undefined, budgetMs);
    this.#host = {
      purpose,
      gate,
      redirects: options.redirects,
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

  protected get ending(): boolean {
    return this.#parts.gate.closing;
  }

  protected assertUsable(): void {
    if (!this.usable) throw this.#refusal();
  }

  override cancellable<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    return cancellable(this.#options.purpose, signal, read, () => {
      this.#parts.gate.replace();
      this.stream.destroy();
    });
  }

  override sendCommand(command: Command, stream?: SendStream): unknown {
    const { guard, watcher } = this.#options;
    // The commands of a pipeline have been judged when they were queued.
    const refusal = stream
      ? undefined
      : (guard.judge(command) ?? blockingLaneBusy(this.#options, this.inFlight, command));
    if (refusal) {
      watcher.called('rejected', 0);
      command.reject(refusal);
      return command.promise;
    }
    return this.#dispatch(command, stream);
  }

  #dispatch(command: Command, stream: SendStream, leftMs?: number): unknown {
    const { watcher, clock } = this.#options;
    const { batch, deck, commit } = this.#parts;
    if (!this.usable) {
      watcher.called('rejected', 0);
      command.reject(this.#refusal());
      return command.promise;
    }
    // A pipeline writes to the socket by itself, so what was called before it has to be sent before it.
    const own = commit ? undefined : stream;
    if (own) {
      batch.flushTo(this.stream);
      this.#parts.sentMs = clock.monotonicMs();
    } else this.#openBatch();
    const call = new Call(this.#host, command, this.#parts.sentMs, this.#budgetOf(command));
    if (leftMs !== undefined) call.budgetMs = leftMs;
    deck.add(call);
    if (commit && mayWrite(command.name.toLowerCase(), Boolean(command.inTransaction)))
      call.group = commit.join();
    const answer = super.sendCommand(command, own ?? (batch as WriteBatch & NonNullable<SendStream>));
    if (batch.full) batch.flushTo(this.stream);
    return answer;
  }

  /** A gate that is open leads to a server that stalls, or to a connection that is just being closed. */
  #refusal(): RedisUnavailableError {
    const { gate, deck } = this.#parts;
    return gate.refusal(deck.stalled ? 'timeout' : 'reset');
  }

  #budgetOf(command: Command): number {
    const { guard, budget } = this.#options;
    const blockMs = guard.blockMs(command);
    return blockMs > 0 ? blockMs + budget.silenceMs : budget.commandMs;
  }

  /** Opens the batch of this turn of callbacks, unless one is open. */
  #openBatch(): void {
    const { batch } = this.#parts;
    if (batch.open) return;
    batch.open = true;
    this.#parts.sentMs = this.#options.clock.monotonicMs();
    process.nextTick(() => {
      this.#parts.commit?.commit();
      batch.flushTo(this.stream);
    });
  }

  /** Behind all that was sent and gathered; the batch goes out with it at the latest at the end of this turn. */
  #wait(): Promise<unknown> {
    const { waitReplicas, budget } = this.#options;
    this.#openBatch();
    const args = [String(waitReplicas), String(waitMs(budget))];
    const wait = new Command('wait', args, { replyEncoding: 'utf8' });
    return super.sendCommand(
      wait,
      this.#parts.batch as WriteBatch & NonNullable<SendStream>,
    ) as Promise<unknown>;
  }
}

/**
 * A call may wait for the WAIT before its own and then for its own, and a server that has nothing else to do looks
 * at its clock ten times a second: both together stay inside the budget.
 */
export function waitMs({ commandMs }: LaneBudget): number {
  return Math.max(1, Math.floor(commandMs / 5));
}
