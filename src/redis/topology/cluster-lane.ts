import { CommandGuard } from '../command-guard.js';
import type { CompartmentLane } from '../compartment-lane.js';
import type { Address } from '../dialer.js';
import { LaneConnection, type LaneConnectionOptions } from '../lane-connection.js';
import { type Loss, lossFrom } from '../loss.js';
import type { Lane } from '../purposes.js';
import type { ReconnectPace } from '../reconnect-pace.js';
import type { UnavailableReason } from '../redis.errors.js';
import type { Relogin } from '../rotation/lane-login.js';
import type { ServerFacts } from '../server-facts.js';
import type { Proof } from '../status.types.js';
import { ClusterClient } from './cluster-client.js';
import type { ClusterMap } from './cluster-map.js';
import { type ClusterNode, ClusterNodes } from './cluster-nodes.js';
import { keySlot } from '../key-slot.js';
import { FixedLocator } from './locator.js';
import { describeAddress } from './topology.js';

export interface ClusterLaneOptions extends Omit<LaneConnectionOptions, 'locator' | 'inCluster' | 'pace'> {
  readonly map: Pick<ClusterMap, 'known' | 'listen' | 'moved' | 'note' | 'refresh' | 'refreshSoon'>;
  /** Makes the connection to one node; the real one, where nothing else is given. */
  readonly createNode?: (options: LaneConnectionOptions) => ClusterNode;
  /** A pace for each node: one that is away must not slow the others. */
  readonly pace: () => ReconnectPace;
}

/**
 * A lane on a cluster: to its compartment one lane, which is proven when every slot has a primary and every
 * primary a proven connection, and lost when one of them is.
 */
export class ClusterLane implements CompartmentLane {
  readonly client: ClusterClient;
  private readonly nodes: ClusterNodes;
  private readonly proven = new Map<ClusterNode, { facts: ServerFacts; proofs: readonly Proof[] }>();
  private readonly stalled = new Set<ClusterNode>();
  private complete = false;

  constructor(private readonly options: ClusterLaneOptions) {
    const { purpose, lane, budget, expected, events, clock, map } = options;
    this.nodes = new ClusterNodes({
      purpose,
      map,
      connect: (node) => this.connect(node),
      changed: () => this.check(),
      left: (node) => this.forget(node),
    });
    this.client = new ClusterClient(
      {
        purpose,
        lane,
        budget,
        guard: new CommandGuard(purpose, expected.definition, lane, true),
        watcher: { called: events.called },
        clock,
      },
      this.nodes,
    );
    map.listen({
      changed: (fresh) => this.nodes.follow(fresh),
      failed: (error) => {
        // A question that nobody answered takes no connection down.
        if (!this.whole) this.lost(lossFrom(error), []);
      },
    });
  }

  get lane(): Lane {
    return this.options.lane;
  }

  get addresses(): readonly Address[] {
    return this.options.map.known?.primaries() ?? [];
  }

  probeKeys(base: string): readonly string[] {
    return this.options.map.known?.keyPerPrimary(base) ?? [base];
  }

  open(): void {
    void this.options.map.refresh();
  }

  /** @param key a key whose primary alone is suspected; then the others keep their connections */
  drop(reason: UnavailableReason, key?: string): void {
    const suspect = key === undefined ? undefined : this.nodes.forSlot(keySlot(key));
    for (const node of key === undefined ? this.nodes.all() : suspect ? [suspect] : []) node.drop(reason);
    // Perhaps it is the primary no longer.
    this.options.map.refreshSoon();
  }

  beat(): void {
    for (const node of this.nodes.all()) node.beat();
  }

  hurry(): void {
    for (const node of this.nodes.all()) node.hurry();
  }

  /** As its worst node fared. */
  async reauthenticate(): Promise<Relogin> {
    const fared = await Promise.all(this.nodes.members.map((node) => node.reauthenticate()));
    const worst: readonly Relogin[] = ['refused', 'disconnected'];
    return worst.find((relogin) => fared.includes(relogin)) ?? 'accepted';
  }

  close(deadlineMs: number): Promise<void> {
    return this.nodes.close(deadlineMs);
  }

  private connect(address: Address): ClusterNode {
    const {
      events,
      pace,
      createNode = (options: LaneConnectionOptions) => new LaneConnection(options),
      map: _,
      ...options
    } = this.options;
    const node: ClusterNode = createNode({
      ...options,
      locator: new FixedLocator(address),
      inCluster: true,
      pace: pace(),
      events: {
        ...events,
        proven: (__, facts, proofs) => {
          this.proven.set(node, { facts, proofs });
          // A connection that was replaced on purpose told nobody that it flows again.
          this.noteStall(node, false);
          this.check();
        },
        lost: (__, loss, contradicted) => {
          this.proven.delete(node);
          const member = this.isMember(node);
          // A replica by now: somebody has its slots already.
          if (member && loss.reason === 'readonly') void this.options.map.refresh();
          if (member)
            this.lost({ ...loss, detail: `${describeAddress(address)}: ${loss.detail}` }, contradicted);
          this.noteStall(node, false);
        },
        stalled: (stalled) => {
          // What becomes of a node without a slot says nothing about the lane.
          if (!stalled || this.isMember(node)) this.noteStall(node, stalled);
        },
      },
    });
    return node;
  }

  private isMember(node: ClusterNode): boolean {
    return this.nodes.members.includes(node);
  }

  /** Every slot has a primary and every primary a connection, be it stalled. */
  private get whole(): boolean {
    const { known } = this.options.map;
    return Boolean(known?.covered) && this.nodes.members.every((node) => this.proven.has(node));
  }

  private check(): void {
    const { map, events, lane } = this.options;
    const complete = this.whole && this.nodes.complete;
    // Of a node that has no slot yet something will be heard soon.
    map.note(this, !complete || this.nodes.hasOutsiders);
    if (complete && !this.complete) {
      const members = this.nodes.members.flatMap((node) => this.proven.get(node) ?? []);
      const runIds = members.flatMap(({ facts }) => facts.runId ?? []);
      events.proven(lane, { ...members[0]?.facts, runIds }, members[0]?.proofs ?? []);
    }
    this.complete = complete;
  }

  private lost(loss: Loss, contradicted: readonly Proof[]): void {
    const { map, events, lane } = this.options;
    this.complete = false;
    map.note(this, true);
    events.lost(lane, loss, contradicted);
  }

  /** A node that left the table, or was let go, and lives on for a moment. */
  private forget(node: ClusterNode): void {
    this.proven.delete(node);
    this.noteStall(node, false);
  }

  private noteStall(node: ClusterNode, stalled: boolean): void {
    const before = this.stalled.size > 0;
    if (stalled) this.stalled.add(node);
    else this.stalled.delete(node);
    const now = this.stalled.size > 0;
    if (now) this.options.map.note(this, true);
    if (now !== before) this.options.events.stalled(now);
    if (before && !now) this.check();
  }
}
