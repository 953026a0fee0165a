import type { Command } from 'ioredis';
import type { Clock } from '../kernel/time.js';
import { furtherCommands } from './acl-rule.js';
import { startDeadline } from '../kernel/deadline.js';
import { CommandGuard } from './command-guard.js';
import type { CompartmentLane } from './compartment-lane.js';
import { connectionDefaults } from './connection-defaults.js';
import type { Address } from './dialer.js';
import type { LibraryOptions } from './guarded-client.js';
import { type RawCall, certificateExpiry, greet } from './handshake.js';
import { HandshakeError } from './handshake-error.js';
import { type LaneControl, createLane } from './lane.js';
import type { LaneClient, LaneWatcher } from './lane-client.js';
import type { LiveAccess } from './live-access.js';
import { Heartbeat } from './heartbeat.js';
import type { Locator } from './topology/locator.js';
import { type Loss, lossFor, lossFrom } from './loss.js';
import type { Lane, LaneBudget } from './purposes.js';
import type { RedisUnavailableError, UnavailableReason } from './redis.errors.js';
import type { ReconnectPace } from './reconnect-pace.js';
import { LaneLogin, type Relogin } from './rotation/lane-login.js';
import type { ServerFacts } from './server-facts.js';
import { type Expectation, fatalProofs, proveServer, reasonOfProof } from './server-proof.js';
import type { Proof } from './status.types.js';

export interface LaneConnectionEvents extends Omit<LaneWatcher, 'violated'> {
  attempting(lane: Lane): void;
  /** One connection was proven, `ms` after its attempt began; for the metrics. */
  connected(lane: Lane, facts: ServerFacts, ms: number): void;
  /** The lane may be used. */
  proven(lane: Lane, facts: ServerFacts, proofs: readonly Proof[]): void;
  /** @param contradicted the proofs that keep the gate shut, if they are the cause */
  lost(lane: Lane, loss: Loss, contradicted: readonly Proof[]): void;
}

export interface LaneConnectionOptions {
  readonly purpose: string;
  readonly lane: Lane;
  readonly budget: LaneBudget;
  readonly expected: Expectation;
  /** Whether the server is spoken to in TLS. */
  readonly tls: boolean;
  readonly access: LiveAccess;
  readonly locator: Locator;
  /** One node of a cluster, whose router follows redirections. */
  readonly inCluster: boolean;
  readonly probeKey: string;
  readonly pace: ReconnectPace;
  readonly clock: Clock;
  readonly events: LaneConnectionEvents;
}

interface Failure {
  readonly loss: Loss;
  readonly contradicted?: readonly Proof[];
}

/**
 * The life of one lane's connection: attempt, greeting, proof, gate open; loss, gate shut, next attempt.
 * The client library makes and re-makes the socket; whether the server behind it may be used is decided
 * here, after every single connect.
 */
export class LaneConnection implements CompartmentLane {
  readonly client: LaneClient;
  private readonly control: LaneControl;
  private readonly login: LaneLogin;
  private startedMs = 0;
  private dialled: Address | undefined;
  private fresh = true;
  private readonly heartbeat: Heartbeat;
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
      waitReplicas: lane === 'blocking' ? 0 : expected.waitReplicas,
      redirects: options.inCluster,
    });
    this.client = opened.client;
    this.control = opened.control;
    const call: RawCall = (name, ...args) => this.control.raw(name, ...args);
    this.login = new LaneLogin({ access: options.access, budget, clock, call });
    this.heartbeat = new Heartbeat({
      ask: () => this.control.raw('CLIENT', 'INFO'),
      silent: () => this.control.drop('timeout'),
      silenceMs: expected.definition.connectMs,
      clock,
    });
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

  /** The server of the current or the last attempt. */
  get addresses(): readonly Address[] {
    return this.dialled ? [this.dialled] : [];
  }

  get inFlight(): number {
    return this.client.inFlight;
  }

  /** The first attempt is under way, so that waiting a little may be worth it. */
  get opening(): boolean {
    return this.fresh;
  }

  /** For a call that cannot be sent now. */
  refusal(): RedisUnavailableError {
    return this.control.gate.refusal();
  }

  /** Cuts the connection on purpose; the next one follows. */
  replace(): void {
    this.control.gate.replace();
    this.client.stream.destroy();
  }

  /** The write probe's keys: one, wherever it lies. */
  probeKeys(base: string): readonly string[] {
    return [base];
  }

  /** For a router that has judged the command already; see LaneControl. */
  dispatch(command: Command, how: { budgetMs?: number; asking?: boolean }): void {
    this.control.dispatch(command, how);
  }

  /** Starts connecting and goes on until close(). */
  open(): void {
    if (this.control.gate.closing) return;
    this.client.connect().catch(() => {
      // The cause arrives as an `error` event; this promise only ever says "Connection is closed."
    });
  }

  /** A connection in use is watched by its calls. */
  beat(): void {
    if (this.control.gate.isOpen && this.inFlight === 0) this.heartbeat.beat();
  }

  hurry(): void {
    if (this.client.status !== 'reconnecting') return;
    // The library would not know of the attempt that it has planned itself.
    const planned = this.client as unknown as { reconnectTimeout: NodeJS.Timeout | null };
    if (planned.reconnectTimeout) clearTimeout(planned.reconnectTimeout);
    planned.reconnectTimeout = null;
    this.open();
  }

  reauthenticate(): Promise<Relogin> {
    return this.control.gate.isOpen ? this.login.renew() : Promise.resolve('disconnected');
  }

  async close(deadlineMs: number): Promise<void> {
    await this.control.close(deadlineMs);
    this.options.pace.stop();
  }

  private libraryOptions(): LibraryOptions {
    const { tls, access, locator, expected, pace } = this.options;
    return {
      ...connectionDefaults(
        { tls, access, locate: async () => (this.dialled = await locator.locate()) },
        expected.definition.connectMs,
      ),
      // A connection that was replaced on purpose is no flap.
      retryStrategy: () => (this.control.gate.isReplacing ? 1 : pace.next()),
    };
  }

  private attempting(): void {
    this.startedMs = this.options.clock.monotonicMs();
    this.failure = undefined;
    this.login.dialling();
    this.options.pace.attempting();
    this.options.events.attempting(this.options.lane);
  }

  /** Ends the connection; the next attempt follows. */
  drop(reason: UnavailableReason): void {
    this.control.drop(reason);
  }

  private async prove(): Promise<void> {
    const { lane, expected, clock, events, pace } = this.options;
    const stream = this.client.stream;
    // Said goodbye to: it takes nothing more, and its end would otherwise wait for ours.
    stream.once('end', () => {
      if (this.client.stream === stream) this.control.drop('reset');
    });
    // What is asked meanwhile may be answered when another connection stands already.
    const fail = (failure: Failure) => {
      if (this.client.stream === stream) this.fail(failure);
    };
    const deadline = startDeadline(clock, expected.definition.connectMs, () =>
      fail({ loss: lossFor('timeout', 'the server accepted the connection but did not answer') }),
    );
    try {
      const facts = await greet((name, ...args) => this.control.raw(name, ...args), this.greeting());
      if (this.client.stream !== stream || stream.destroyed) return;
      const certificateExpiresMs = certificateExpiry(stream);
      const proofs = [...proveServer(facts, expected), ...this.said()];
      const contradicted = fatalProofs(proofs, expected);
      const [first] = contradicted;
      if (first) {
        fail({ loss: lossFor(reasonOfProof(first), first.detail), contradicted });
        return;
      }
      if (!(await this.stillPrimary(stream))) return;
      pace.opened();
      this.fresh = false;
      this.control.gate.open();
      const known = certificateExpiresMs === undefined ? facts : { ...facts, certificateExpiresMs };
      this.login.proven();
      events.connected(lane, known, clock.monotonicMs() - this.startedMs);
      events.proven(lane, known, proofs);
    } catch (error) {
      // A connection that broke off meanwhile has told its cause already.
      if (error instanceof HandshakeError && error.reason !== 'reset') fail({ loss: lossFrom(error) });
      else stream.destroy();
    } finally {
      deadline.cancel();
    }
  }

  /** What those who were asked for the address have to say. */
  private said(): Proof[] {
    const proof = this.options.locator.proof();
    return proof ? [proof] : [];
  }

  /** A primary that was cut off greets as before. Whoever knows better is asked once more. */
  private async stillPrimary(stream: unknown): Promise<boolean> {
    const { locator } = this.options;
    const confirmed = this.dialled === undefined || (await locator.confirm(this.dialled));
    if (this.client.stream !== stream || this.client.stream.destroyed) return false;
    if (!confirmed) this.fail({ loss: lossFor('readonly', 'the Sentinels name another primary') });
    return confirmed;
  }

  private greeting() {
    const { expected, probeKey } = this.options;
    return {
      ...this.login.greeting(),
      db: expected.db,
      clientName: expected.clientName,
      definition: expected.definition,
      further: furtherCommands(expected),
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
    this.fresh = false;
    this.control.shut(loss.reason);
    if (replaced) return;
    this.login.lost(loss, contradicted);
    this.options.events.lost(this.options.lane, loss, contradicted);
  }
}
