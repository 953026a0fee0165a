import type { Clock } from '../kernel/time.js';
import type { CompartmentLane } from './compartment-lane.js';
import type { Connection } from './connection.js';
import type { Address } from './dialer.js';
import { LaneConnection, type LaneConnectionEvents } from './lane-connection.js';
import type { Lane, LaneBudget, PurposeDefinition } from './purposes.js';
import type { ReconnectBudget } from './reconnect-allowance.js';
import { ReconnectPace } from './reconnect-pace.js';
import type { Expectation } from './server-proof.js';
import type { Proof } from './status.types.js';
import { ClusterLane } from './topology/cluster-lane.js';
import { ClusterMap } from './topology/cluster-map.js';
import { FixedLocator, type Locator } from './topology/locator.js';
import { SentinelLocator } from './topology/sentinel-locator.js';

export interface LanesOptions {
  readonly purpose: string;
  readonly definition: PurposeDefinition;
  readonly connection: Connection;
  /** Distinguishes this process; part of the client name. */
  readonly instance: string;
  readonly enforced: boolean;
  readonly durability?: 'aof' | 'provider';
  readonly retryCapMs: number;
  /** How often its lanes may connect, all together. */
  readonly reconnects: ReconnectBudget;
  readonly clock: Clock;
}

/** The lanes of a compartment, and what they share to find their servers. */
export class CompartmentLanes {
  readonly all: readonly CompartmentLane[];
  private readonly locator: Locator;
  private readonly map: ClusterMap | undefined;

  constructor(
    private readonly options: LanesOptions,
    eventsOf: (lane: Lane) => LaneConnectionEvents,
  ) {
    this.locator = this.createLocator();
    this.map = this.createMap();
    const budgets = Object.entries(options.definition.lanes) as [Lane, LaneBudget][];
    this.all = budgets.map(([lane, budget]) => this.createLane(lane, budget, eventsOf(lane)));
  }

  /** @throws Error for a lane that the row does not have */
  of(lane: Lane): CompartmentLane {
    const found = this.all.find((candidate) => candidate.lane === lane);
    if (!found) throw new Error(`${this.options.purpose} has no ${lane} lane`);
    return found;
  }

  /** @param engineAddress where the embedded engine listens, which is known only now */
  open(engineAddress?: Address): void {
    if (engineAddress && this.locator instanceof FixedLocator) this.locator.settle(engineAddress);
    for (const lane of this.all) lane.open();
  }

  beat(): void {
    for (const lane of this.all) lane.beat();
  }

  /** What is to be said about the Sentinels changes while the connections stand. */
  upToDate(proofs: readonly Proof[]): readonly Proof[] {
    const now = this.locator.proof();
    return proofs.map((proof) => (proof.fact === now?.fact ? now : proof));
  }

  /** Blocking first, command last: whoever drains may still need the command lane. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.map?.close();
    const order: readonly Lane[] = ['blocking', 'bulk', 'command'];
    for (const lane of order) await this.all.find((candidate) => candidate.lane === lane)?.close(deadlineMs);
    this.locator.close();
  }

  private createLane(lane: Lane, budget: LaneBudget, events: LaneConnectionEvents): CompartmentLane {
    const { purpose, definition, connection, clock, retryCapMs, reconnects } = this.options;
    const pace = () => new ReconnectPace({ clock, capMs: retryCapMs, budget: reconnects });
    const common = {
      purpose,
      lane,
      budget,
      expected: this.expectation(lane),
      tls: connection.target?.tls ?? false,
      access: connection.access,
      probeKey: `${definition.namespace}:__proof`,
      clock,
      events,
    };
    const { map, locator } = this;
    return map
      ? new ClusterLane({ ...common, map, pace })
      : new LaneConnection({ ...common, locator, inCluster: false, pace: pace() });
  }

  private expectation(lane: Lane): Expectation {
    const { purpose, definition, connection, instance, enforced, durability } = this.options;
    return {
      engine: connection.engine,
      definition,
      db: connection.target?.db ?? 0,
      access: connection.access,
      clientName: `bulkhead:${purpose}:${lane}:${instance}`,
      enforced,
      ...(durability === undefined ? {} : { durability }),
      topology: connection.topology.kind,
      waitReplicas: connection.waitReplicas,
    };
  }

  private createLocator(): Locator {
    const { target, topology, access } = this.options.connection;
    if (topology.kind !== 'sentinel') return new FixedLocator(target);
    return new SentinelLocator({
      name: topology.name,
      sentinels: topology.sentinels,
      tls: target?.tls ?? false,
      access: access.companion(topology.credentials),
      firstAnswerMs: this.options.definition.connectMs,
      clock: this.options.clock,
      leaving: () => {
        for (const lane of this.all) lane.drop('readonly');
      },
      moved: (primary) => this.moved(primary),
    });
  }

  private createMap(): ClusterMap | undefined {
    const { connection, definition, clock } = this.options;
    const { target, topology, access } = connection;
    if (topology.kind !== 'cluster') return undefined;
    const { seeds } = topology;
    return new ClusterMap({
      seeds,
      tls: target?.tls ?? false,
      access,
      clock,
      firstAnswerMs: definition.connectMs,
    });
  }

  /** Whoever still talks to the old primary would have its writes undone. */
  private moved(primary: Address): void {
    for (const lane of this.all) {
      const [at] = lane.addresses;
      if (at && (at.host !== primary.host || at.port !== primary.port)) lane.drop('readonly');
      lane.hurry();
    }
  }
}
