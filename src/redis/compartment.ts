import { BehaviorSubject, type Observable } from 'rxjs';
import type { Clock } from '../kernel/time.js';
import type { CompartmentMetrics } from './compartment-metrics.js';
import { type Connection } from './connection.js';
import { describeTarget } from './connection-url.js';
import { LaneConnection } from './lane-connection.js';
import { type Loss, lossFor } from './loss.js';
import type { Lane, LaneBudget, PurposeDefinition } from './purposes.js';
import { ReconnectPace } from './reconnect-pace.js';
import type { UnavailableReason } from './redis.errors.js';
import type { ServerFacts } from './server-facts.js';
import type { Expectation } from './server-proof.js';
import type { FaultSource } from './startup-report.js';
import type { Isolation, Proof, PurposeStatus } from './status.types.js';
import { WriteProbe, WrongAnswerError } from './write-probe.js';

export interface CompartmentOptions {
  readonly purpose: string;
  readonly definition: PurposeDefinition;
  readonly outage: 'degrade' | 'closed';
  readonly connection: Connection;
  readonly enforced: boolean;
  readonly durability?: 'aof' | 'provider';
  /** Distinguishes this process; part of the client name and of the probe key. */
  readonly instance: string;
  readonly retryCapMs: number;
  readonly probeIntervalMs: number;
  readonly clock: Clock;
  readonly metrics: CompartmentMetrics;
}

const PROBE_KEY_TTL_MS = 30_000;

const WORTH_A_NEW_CONNECTION: ReadonlySet<UnavailableReason> = new Set(['readonly', 'auth', 'protocol']);

/** One purpose at run time: its lanes, its write probe and what may be said about it. */
export class Compartment {
  readonly lanes: readonly LaneConnection[];
  private readonly probe: WriteProbe;
  private readonly status: BehaviorSubject<PurposeStatus>;
  private readonly provenLanes = new Set<Lane>();
  private readonly stalledLanes = new Set<Lane>();
  private state: 'up' | 'unavailable' = 'unavailable';
  private loss: Loss = lossFor('other', 'not connected yet');
  private readonly contradictions = new Map<Lane, readonly Proof[]>();
  private sinceMs: number;
  private latencyMs: number | undefined;
  private probedAtMs: number | undefined;
  private facts: ServerFacts = {};
  private proofs: readonly Proof[] = [];
  private accessProof: Proof | undefined;
  private sharing: { isolation: Isolation; with: readonly string[] } = { isolation: 'unknown', with: [] };
  private closed = false;
  private everLost = false;

  constructor(private readonly options: CompartmentOptions) {
    const { definition, clock, probeIntervalMs } = options;
    this.sinceMs = clock.nowMs();
    this.lanes = Object.entries(definition.lanes).map(([lane, budget]) => this.lane(lane as Lane, budget));
    const command = this.client('command');
    this.probe = new WriteProbe({
      write: async () => {
        const answer: unknown = await command.set(this.probeKey, '1', 'PX', PROBE_KEY_TTL_MS);
        if (answer !== 'OK') throw new WrongAnswerError();
      },
      succeeded: (latencyMs) => this.wrote(latencyMs),
      failed: (reason) => this.probeFailed(reason),
      intervalMs: probeIntervalMs,
      clock,
    });
    this.status = new BehaviorSubject(this.snapshot());
  }

  get purpose(): string {
    return this.options.purpose;
  }

  get definition(): PurposeDefinition {
    return this.options.definition;
  }

  get connection(): Connection {
    return this.options.connection;
  }

  get runId(): string | undefined {
    return this.facts.runId;
  }

  get up(): boolean {
    return this.state === 'up';
  }

  /** Whether an attempt to connect has ended, well or not. */
  get attempted(): boolean {
    return this.everLost || this.provenLanes.size > 0;
  }

  /** The last loss, and the contradicted proofs behind it, if any. */
  get trouble(): { loss: Loss; contradictions: readonly Proof[] } {
    // The lanes ask the same server, so what one was told the others were, too.
    const facts = new Map([...this.contradictions.values()].flat().map((proof) => [proof.fact, proof]));
    return { loss: this.loss, contradictions: [...facts.values()] };
  }

  get faultSource(): FaultSource {
    const { purpose, definition, connection } = this.options;
    return { purpose, env: definition.env, source: connection.source, address: this.address() };
  }

  /** @throws Error for a lane that the row does not have */
  client(lane: Lane) {
    const found = this.lanes.find((candidate) => candidate.lane === lane);
    if (!found) throw new Error(`${this.purpose} has no ${lane} lane`);
    return found.client;
  }

  changes(): Observable<PurposeStatus> {
    return this.status.asObservable();
  }

  open(address?: { host: string; port: number }): void {
    for (const lane of this.lanes) lane.open(address);
  }

  /** Blocking first, command last: whoever drains may still need the command lane. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    this.probe.stop();
    const order: readonly Lane[] = ['blocking', 'bulk', 'command'];
    for (const lane of order)
      await this.lanes.find((candidate) => candidate.lane === lane)?.close(deadlineMs);
    this.status.complete();
  }

  noteSharing(isolation: Isolation, others: readonly string[]): void {
    this.sharing = { isolation, with: others };
    this.publish();
  }

  noteAccessProof(proof: Proof): void {
    this.accessProof = proof;
    this.publish();
  }

  snapshot(): PurposeStatus {
    const { purpose, definition, outage, connection } = this.options;
    const { target } = connection;
    return {
      purpose,
      engine: connection.engine,
      state: this.state === 'up' ? 'up' : outage === 'degrade' ? 'degraded' : 'down',
      ...(this.state === 'up' ? {} : { reason: this.loss.reason, detail: this.loss.detail }),
      sinceMs: this.sinceMs,
      ...(this.latencyMs === undefined ? {} : { latencyMs: this.latencyMs }),
      ...(this.probedAtMs === undefined ? {} : { probedAtMs: this.probedAtMs }),
      isolation: this.sharing.isolation,
      sharedWith: this.sharing.with,
      address: this.address(),
      source: connection.source,
      user: target?.username ?? 'default',
      db: target?.db ?? 0,
      ...(this.facts.version === undefined ? {} : { serverVersion: this.facts.version }),
      outage,
      namespace: definition.namespace,
      lanes: this.lanes.map(({ lane, client }) => ({
        lane,
        connected: client.usable,
        inFlight: client.inFlight,
      })),
      proofs: this.accessProof ? [...this.proofs, this.accessProof] : this.proofs,
    };
  }

  private get probeKey(): string {
    return `${this.options.definition.namespace}:__probe:${this.options.instance}`;
  }

  private address(): string {
    const { target } = this.options.connection;
    return target ? describeTarget(target) : 'embedded';
  }

  private lane(lane: Lane, budget: LaneBudget): LaneConnection {
    const { purpose, connection, clock, retryCapMs, metrics } = this.options;
    return new LaneConnection({
      purpose,
      lane,
      budget,
      expected: this.expectation(lane),
      connection,
      probeKey: `${this.options.definition.namespace}:__proof`,
      pace: new ReconnectPace(clock, retryCapMs),
      clock,
      events: {
        attempting: () => metrics.attempting(lane),
        proven: (_, facts, proofs, ms) => {
          metrics.connected(lane, ms, facts.certificateExpiresMs);
          this.proven(lane, facts, proofs);
        },
        lost: (_, loss, contradicted) => this.lost(lane, loss, contradicted),
        called: metrics.callsOf(lane),
        refused: () => {
          // While it is down the probe goes on by itself; its own refusal must not drive it.
          if (this.up) this.probe.soon();
        },
        stalled: (stalled) => this.stalled(lane, stalled),
      },
    });
  }

  private expectation(lane: Lane): Expectation {
    const { purpose, definition, connection, instance, enforced, durability } = this.options;
    return {
      engine: connection.engine,
      definition,
      db: connection.target?.db ?? 0,
      user: connection.target?.username ?? 'default',
      clientName: `bulkhead:${purpose}:${lane}:${instance}`,
      enforced,
      ...(durability === undefined ? {} : { durability }),
    };
  }

  private proven(lane: Lane, facts: ServerFacts, proofs: readonly Proof[]): void {
    this.provenLanes.add(lane);
    this.stalledLanes.delete(lane);
    this.contradictions.delete(lane);
    // What was asked without credentials was asked of the server that was there then.
    if (facts.runId !== this.facts.runId && this.facts.runId !== undefined) this.accessProof = undefined;
    this.facts = facts;
    this.proofs = proofs;
    if (this.provenLanes.size === this.lanes.length) this.probe.start();
  }

  private lost(lane: Lane, loss: Loss, contradicted: readonly Proof[]): void {
    this.provenLanes.delete(lane);
    this.stalledLanes.delete(lane);
    if (this.closed) return;
    this.everLost = true;
    this.options.metrics.lost(lane, loss.reason);
    this.probe.stop();
    this.contradictions.set(lane, contradicted);
    // What was proven of a connection says nothing about the next one.
    if (lane === 'command') this.proofs = contradicted;
    this.unavailable(loss);
  }

  private stalled(lane: Lane, stalled: boolean): void {
    if (stalled) this.stalledLanes.add(lane);
    else this.stalledLanes.delete(lane);
    if (stalled) this.unavailable(lossFor('timeout'));
    else this.probe.soon();
  }

  private wrote(latencyMs: number): void {
    this.latencyMs = latencyMs;
    this.probedAtMs = this.options.clock.nowMs();
    if (this.provenLanes.size < this.lanes.length || this.stalledLanes.size > 0 || this.state === 'up')
      return;
    this.state = 'up';
    this.sinceMs = this.options.clock.nowMs();
    this.publish();
  }

  private probeFailed(reason: UnavailableReason): void {
    this.probedAtMs = this.options.clock.nowMs();
    this.unavailable(lossFor(reason));
    // Only a new connection finds the new primary, a fresh login, or an end that speaks Redis.
    if (WORTH_A_NEW_CONNECTION.has(reason)) for (const lane of this.lanes) lane.drop(reason);
  }

  private unavailable(loss: Loss): void {
    const changed =
      this.state === 'up' || this.loss.reason !== loss.reason || this.loss.detail !== loss.detail;
    if (this.state === 'up') this.sinceMs = this.options.clock.nowMs();
    this.state = 'unavailable';
    this.loss = loss;
    if (changed) this.publish();
  }

  private publish(): void {
    this.status.next(this.snapshot());
  }
}
