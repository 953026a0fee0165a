import type { RedisOptions } from 'ioredis';
import type { Clock, Timer } from '../kernel/time.js';
import { type Connection, tlsOptions } from './connection.js';
import type { RedisTarget } from './connection-url.js';
import { CommandGuard } from './command-guard.js';
import { HandshakeError, certificateExpiry, greet } from './handshake.js';
import { type LaneControl, createLane } from './lane.js';
import type { LaneClient, LaneWatcher } from './lane-client.js';
import { type Loss, lossFor, lossFrom } from './loss.js';
import type { Lane, LaneBudget } from './purposes.js';
import type { UnavailableReason } from './redis.errors.js';
import type { ReconnectPace } from './reconnect-pace.js';
import type { ServerFacts } from './server-facts.js';
import { type Expectation, fatalProofs, proveServer, reasonOfProof } from './server-proof.js';
import type { Proof } from './status.types.js';

export interface LaneConnectionEvents extends Omit<LaneWatcher, 'violated'> {
  attempting(lane: Lane): void;
  proven(lane: Lane, facts: ServerFacts, proofs: readonly Proof[], ms: number): void;
  /** @param contradicted the proofs that keep the gate shut, if they are the cause */
  lost(lane: Lane, loss: Loss, contradicted: readonly Proof[]): void;
}

export interface LaneConnectionOptions {
  readonly purpose: string;
  readonly lane: Lane;
  readonly budget: LaneBudget;
  readonly expected: Expectation;
  readonly connection: Connection;
  readonly probeKey: string;
  readonly pace: ReconnectPace;
  readonly clock: Clock;
  readonly events: LaneConnectionEvents;
}

interface Failure {
  readonly loss: Loss;
  readonly contradicted?: readonly Proof[];
}

const KEEP_ALIVE_MS = 10_000;

/**
 * The life of one lane's connection: attempt, greeting, proof, gate open; loss, gate shut, next attempt.
 * The client library makes and re-makes the socket; whether the server behind it may be used is decided
 * here, after every single connect.
 */
export class LaneConnection {
  readonly client: LaneClient;
  private readonly control: LaneControl;
  private startedMs = 0;
  private failure: Failure | undefined;

  constructor(private readonly options: LaneConnectionOptions) {
    const { purpose, lane, budget, expected, clock, events } = options;
    const opened = createLane({
      purpose,
      lane,
      budget,
      guard: new CommandGuard(purpose, expected.definition, lane),
      watcher: {
        called: events.called,
        refused: (reason) => events.refused(reason),
        stalled: (stalled) => events.stalled(stalled),
        violated: (detail) => (this.failure ??= { loss: lossFor('protocol', detail) }),
      },
      clock,
      connection: this.libraryOptions(),
    });
    this.client = opened.client;
    this.control = opened.control;
    this.client.on('connecting', () => this.attempting());
    this.client.on('ready', () => void this.prove());
    this.client.on('error', (error: Error) => this.failed(error));
    this.client.on('close', () => this.lost());
    // Without a `close` before it only where the library could not even begin, as with unusable TLS files.
    this.client.on('end', () => this.lost());
  }

  get lane(): Lane {
    return this.options.lane;
  }

  /** Starts connecting and goes on until close(). */
  open(address?: { host: string; port: number }): void {
    if (address) Object.assign(this.client.options, address);
    this.client.connect().catch(() => {
      // The cause arrives as an `error` event; this promise only ever says "Connection is closed."
    });
  }

  close(deadlineMs: number): Promise<void> {
    return this.control.close(deadlineMs);
  }

  private libraryOptions(): RedisOptions & { replyMapping?: 'legacy' } {
    const { connection, expected, pace } = this.options;
    const { target, tls } = connection;
    return {
      ...(target ? { host: target.host, port: target.port } : {}),
      ...(target?.tls ? { tls: tlsOptions(tls) } : {}),
      lazyConnect: true,
      // The greeting is ours (see handshake.ts), so the library gets no password, name or database.
      protocol: 2,
      enableReadyCheck: false,
      disableClientInfo: true,
      // Nothing waits in a queue and nothing is sent twice: an unknown outcome is reported as such.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      connectTimeout: expected.definition.connectMs,
      keepAlive: KEEP_ALIVE_MS,
      // A connection that was replaced on purpose is no flap.
      retryStrategy: () => (this.control.gate.isReplacing ? 1 : pace.next()),
    };
  }

  private attempting(): void {
    this.startedMs = this.options.clock.monotonicMs();
    this.failure = undefined;
    this.options.events.attempting(this.options.lane);
  }

  /** Ends the connection; the next attempt follows. */
  drop(reason: UnavailableReason): void {
    this.control.drop(reason);
  }

  private async prove(): Promise<void> {
    const { lane, expected, clock, events, pace } = this.options;
    const stream = this.client.stream;
    const deadline = this.handshakeDeadline();
    try {
      const facts = await greet((name, ...args) => this.control.raw(name, ...args), this.greeting());
      if (this.client.stream !== stream || stream.destroyed) return;
      const certificateExpiresMs = certificateExpiry(stream);
      const proofs = proveServer(facts, expected);
      const contradicted = fatalProofs(proofs, expected);
      const [first] = contradicted;
      if (first) {
        this.fail({ loss: lossFor(reasonOfProof(first), first.detail), contradicted });
        return;
      }
      pace.opened();
      this.control.gate.open();
      const known = certificateExpiresMs === undefined ? facts : { ...facts, certificateExpiresMs };
      events.proven(lane, known, proofs, clock.monotonicMs() - this.startedMs);
    } catch (error) {
      // A connection that broke off meanwhile has told its cause already.
      if (error instanceof HandshakeError && error.reason !== 'reset') this.fail({ loss: lossFrom(error) });
      else stream.destroy();
    } finally {
      deadline.cancel();
    }
  }

  private handshakeDeadline(): Timer {
    const { clock, expected } = this.options;
    const loss = lossFor('timeout', 'the server accepted the connection but did not answer');
    let over = false;
    const timer = clock.after(expected.definition.connectMs, () => {
      // One turn of the event loop: an answer that has arrived while the process stood still is read first.
      setImmediate(() => over || this.fail({ loss }));
    });
    return {
      cancel: () => {
        over = true;
        timer.cancel();
      },
    };
  }

  private greeting() {
    const { expected, connection, probeKey } = this.options;
    const target: Pick<RedisTarget, 'username' | 'password'> = connection.target ?? {};
    return {
      ...(target.username === undefined ? {} : { username: target.username }),
      ...(target.password === undefined ? {} : { password: target.password }),
      db: expected.db,
      clientName: expected.clientName,
      definition: expected.definition,
      probeKey,
    };
  }

  private fail(failure: Failure): void {
    this.failure ??= failure;
    this.control.drop(failure.loss.reason);
  }

  private failed(error: Error): void {
    const loss = lossFrom(error);
    this.failure ??= { loss };
    // An error on a connection in use means that library and server no longer agree on what belongs to what.
    if (this.control.gate.isOpen) this.control.drop(loss.reason);
    else this.control.gate.losing(loss.reason);
  }

  private lost(): void {
    const { reason, replaced } = this.control.gate.takeLoss();
    const { loss, contradicted = [] }: Failure = this.failure ?? { loss: lossFor(reason) };
    this.failure = undefined;
    this.control.shut(loss.reason);
    if (!replaced) this.options.events.lost(this.options.lane, loss, contradicted);
  }
}
