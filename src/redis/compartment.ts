import { BehaviorSubject, type Observable } from 'rxjs';
import { aclOptions } from './acl-rule.js';
import type { GuardedClient } from './guarded-client.js';
import { CompartmentLanes, type LanesOptions } from './compartment-lanes.js';
import type { CompartmentMetrics } from './compartment-metrics.js';
import { type Connection } from './connection.js';
import { describeTarget } from './connection-url.js';
import type { Address } from './dialer.js';
import type { LaneConnectionEvents } from './lane-connection.js';
import { type Loss, lossFor } from './loss.js';
import type { Lane, PurposeDefinition } from './purposes.js';
import type { UnavailableReason } from './redis.errors.js';
import type { Relogin } from './rotation/lane-login.js';
import type { ServerFacts } from './server-facts.js';
import type { FaultSource } from './startup-report.js';
import type { Isolation, Proof, PurposeStatus } from './status.types.js';
import { ProbeKeys } from './probe-keys.js';
import { describeAddress } from './topology/topology.js';
import { WriteProbe } from './write-probe.js';

export interface CompartmentOptions extends LanesOptions {
  readonly outage: 'degrade' | 'closed';
  readonly probeIntervalMs: number;
  readonly metrics: CompartmentMetrics;
}

const WORTH_A_NEW_CONNECTION: ReadonlySet<UnavailableReason> = new Set(['readonly', 'auth', 'protocol']);

/** One purpose at run time: its lanes, its write probe and what may be said about it. */
export class Compartment {
  private readonly lanes: CompartmentLanes;
  private readonly probe: WriteProbe;
  private readonly probeKeys: ProbeKeys;
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
    const { clock, probeIntervalMs, definition, instance } = options;
    this.sinceMs = clock.nowMs();
    this.lanes = new CompartmentLanes(options, (lane) => this.eventsOf(lane));
    this.probeKeys = new ProbeKeys(this.lanes, `${definition.namespace}:__probe:${instance}`);
    this.probe = new WriteProbe({
      write: () => this.probeKeys.write(),
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

  /** Identities of the servers; more than one in a cluster. */
  get runIds(): readonly string[] {
    return this.facts.runIds ?? (this.facts.runId === undefined ? [] : [this.facts.runId]);
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
    const { target, topology, waitReplicas } = connection;
    const [primary] = topology.kind === 'sentinel' ? this.addresses : [];
    return {
      purpose,
      env: definition.env,
      source: connection.source,
      address: this.address(),
      ...(primary ? { primary: describeAddress(primary) } : {}),
      aclOptions: aclOptions(purpose, {
        definition,
        db: target?.db ?? 0,
        topology: topology.kind,
        waitReplicas,
      }),
    };
  }

  /** @throws Error for a lane that the row does not have */
  client(lane: Lane): GuardedClient {
    return this.lanes.of(lane).client;
  }

  /** The servers that the command lane talks to now. */
  get addresses(): readonly Address[] {
    return this.lanes.of('command').addresses;
  }

  changes(): Observable<PurposeStatus> {
    return this.status.asObservable();
  }

  /** @param engineAddress where the embedded engine listens, which is known only now */
  open(engineAddress?: Address): void {
    this.lanes.open(engineAddress);
  }

  /** Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    this.connection.access.keeper?.stop();
    this.probe.stop();
    await this.lanes.close(deadlineMs);
    this.status.complete();
  }

  /** Logs every connected lane in with what is in use now. Never rejects. */
  async rotate(): Promise<readonly (readonly [Lane, Relogin])[]> {
    const relogins = this.lanes.all.map(async (lane) => [lane.lane, await lane.reauthenticate()] as const);
    const fared = await Promise.all(relogins);
    // A rehearsal has proven as much of the user that these connections have now.
    const detail = `user ${this.connection.access.user}`;
    this.proofs = this.proofs.map((proof) =>
      proof.fact === 'identity' && proof.verdict === 'proven' ? { ...proof, detail } : proof,
    );
    this.publish();
    return fared;
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
      topology: connection.topology.kind,
      primaries: this.addresses.map(describeAddress),
      source: connection.source,
      user: connection.access.user,
      db: target?.db ?? 0,
      ...(this.facts.version === undefined ? {} : { serverVersion: this.facts.version }),
      outage,
      namespace: definition.namespace,
      lanes: this.lanes.all.map(({ lane, client }) => ({
        lane,
        connected: client.usable,
        inFlight: client.inFlight,
      })),
      proofs: this.lanes.upToDate(this.accessProof ? [...this.proofs, this.accessProof] : this.proofs),
    };
  }

  private address(): string {
    const { target } = this.options.connection;
    return target ? describeTarget(target) : 'embedded';
  }

  private eventsOf(lane: Lane): LaneConnectionEvents {
    const { metrics } = this.options;
    return {
      attempting: () => metrics.attempting(lane),
      connected: (_, facts, ms) => metrics.connected(lane, ms, facts.certificateExpiresMs),
      proven: (_, facts, proofs) => this.proven(lane, facts, proofs),
      lost: (_, loss, contradicted) => this.lost(lane, loss, contradicted),
      called: metrics.callsOf(lane),
      refused: () => {
        // While it is down the probe goes on by itself; its own refusal must not drive it.
        if (this.up) this.probe.soon();
      },
      stalled: (stalled) => this.stalled(lane, stalled),
    };
  }

  private proven(lane: Lane, facts: ServerFacts, proofs: readonly Proof[]): void {
    this.provenLanes.add(lane);
    this.stalledLanes.delete(lane);
    this.contradictions.delete(lane);
    // What was asked without credentials was asked of the server that was there then.
    const before = this.runIds.join();
    this.facts = facts;
    if (before !== '' && before !== this.runIds.join()) this.accessProof = undefined;
    this.proofs = proofs;
    if (this.provenLanes.size === this.lanes.all.length) this.probe.start();
  }

  private lost(lane: Lane, loss: Loss, contradicted: readonly Proof[]): void {
    this.provenLanes.delete(lane);
    this.stalledLanes.delete(lane);
    if (this.closed) return;
    this.everLost = true;
    // What one lane lost its server by may have hit the others, which may be idle.
    this.lanes.beat();
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
    if (this.provenLanes.size < this.lanes.all.length || this.stalledLanes.size > 0 || this.state === 'up')
      return;
    this.state = 'up';
    this.sinceMs = this.options.clock.nowMs();
    this.publish();
  }

  private probeFailed(reason: UnavailableReason): void {
    this.probedAtMs = this.options.clock.nowMs();
    this.unavailable(lossFor(reason));
    // Only a new connection finds the new primary, a fresh login, or an end that speaks Redis.
    if (WORTH_A_NEW_CONNECTION.has(reason)) this.probeKeys.dropFailed(reason);
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
