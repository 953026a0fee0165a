import { Command, type Redis } from 'ioredis';
import type { Clock } from '../../kernel/time.js';
import { cancellable } from '../cancellable.js';
import type { CommandGuard } from '../command-guard.js';
import { GuardedClient, blockingLaneBusy } from '../guarded-client.js';
import type { LaneWatcher } from '../lane-client.js';
import type { Lane, LaneBudget } from '../purposes.js';
import { RedisAbortedError, type RedisUnavailableError } from '../redis.errors.js';
import type { ClusterNodes } from './cluster-nodes.js';
import { RoutedCall } from './routed-call.js';
import { RoutedTransaction } from './routed-transaction.js';

export interface ClusterClientOptions {
  readonly purpose: string;
  readonly lane: Lane;
  readonly budget: LaneBudget;
  readonly guard: CommandGuard;
  readonly watcher: Pick<LaneWatcher, 'called'>;
  readonly clock: Clock;
}

type SendStream = Parameters<Redis['sendCommand']>[1];

/**
 * What a feature holds where the purpose's servers are a cluster: the same client library surface as
 * elsewhere, with each command sent on the lane of the node that has its slot. It has no connection itself.
 */
export class ClusterClient extends GuardedClient {
  readonly #options: ClusterClientOptions;
  readonly #nodes: ClusterNodes;
  /** Transactions that are being queued, by the pipeline that queues them. */
  readonly #reads = new Set<RoutedCall>();
  readonly #queueing = new WeakMap<object, Command[]>();

  constructor(options: ClusterClientOptions, nodes: ClusterNodes) {
    super(options, { lazyConnect: true, enableOfflineQueue: false, protocol: 2 });
    this.#options = options;
    this.#nodes = nodes;
  }

  get inFlight(): number {
    return this.#nodes.inFlight;
  }

  get usable(): boolean {
    return this.#nodes.complete;
  }

  protected get ending(): boolean {
    return this.#nodes.closed;
  }

  protected assertUsable(): void {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
  }

  /** The read waits on one node. */
  override cancellable<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    const { purpose } = this.#options;
    return cancellable(purpose, signal, read, () => {
      for (const waiting of this.#reads) waiting.cancel(new RedisAbortedError(purpose));
    });
  }

  override sendCommand(command: Command, stream?: SendStream): unknown {
    const { guard } = this.#options;
    if (stream) return this.#fromPipeline(command, stream);
    const refusal =
      guard.judge(command) ?? blockingLaneBusy(this.#options, this.#waiting, command) ?? this.#refusal();
    if (refusal) return this.#reject(command, refusal);
    return this.#route(command);
  }

  /** Reads that wait, on a node or for one. Only the blocking lane has any. */
  get #waiting(): number {
    return this.#options.lane === 'blocking' ? this.#reads.size || this.inFlight : 0;
  }

  /** Each command goes to its node; the nodes' own batches bring them together again. */
  #fromPipeline(command: Command, stream: object): unknown {
    const name = command.name.toLowerCase();
    const queueing = this.#queueing.get(stream);
    if (!queueing && name !== 'multi') return this.#route(command);
    const transaction = queueing ?? [];
    transaction.push(command);
    if (!queueing) this.#queueing.set(stream, transaction);
    if (name === 'exec' || name === 'discard') {
      this.#queueing.delete(stream);
      this.#routeTransaction(transaction);
    }
    return command.promise;
  }

  #route(command: Command): unknown {
    const { guard, budget, clock } = this.#options;
    const slot = guard.slotOf(command);
    // A script's text is for every node, since nobody knows yet which keys it will be run on.
    if (command.name.toLowerCase() === 'script') this.#toTheOthers(command);
    const blockMs = guard.blockMs(command);
    if (blockMs > 0) {
      const untilMs = clock.monotonicMs() + blockMs;
      const ended = () => void this.#reads.delete(call);
      const call: RoutedCall = new RoutedCall(command, this.#way(slot, blockMs + budget.silenceMs), {
        untilMs,
        ended,
      });
      this.#reads.add(call);
      call.send();
    } else new RoutedCall(command, this.#way(slot, budget.commandMs)).send();
    return command.promise;
  }

  #routeTransaction(commands: readonly Command[]): void {
    // All of them lie in one slot: the fence has seen to it before anything was sent.
    const [slot] = commands.flatMap((command) => this.#options.guard.slotOf(command) ?? []);
    new RoutedTransaction(commands, this.#way(slot, this.#options.budget.commandMs)).send();
  }

  #way(slot: number | undefined, budgetMs: number) {
    const { clock } = this.#options;
    return { nodes: this.#nodes, clock, slot, deadlineMs: clock.monotonicMs() + budgetMs };
  }

  #toTheOthers({ name, args }: Command): void {
    const [, ...others] = this.#nodes.members;
    for (const node of others) {
      const copy = new Command(name, [...args]);
      copy.promise.catch(() => undefined);
      node.dispatch(copy, {});
    }
  }

  #refusal(): RedisUnavailableError | undefined {
    return this.#nodes.known ? undefined : this.#nodes.unavailable();
  }

  #reject(command: Command, error: Error): unknown {
    this.#options.watcher.called('rejected', 0);
    command.reject(error);
    return command.promise;
  }
}
