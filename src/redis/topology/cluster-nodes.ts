import type { Address } from '../dialer.js';
import type { LaneConnection } from '../lane-connection.js';
import { RETRY_AFTER_MS } from '../lane-gate.js';
import { RedisUnavailableError } from '../redis.errors.js';
import type { ClusterMap } from './cluster-map.js';
import { describeAddress } from './topology.js';

/** A connection to one node, as far as the lane over all of them needs it. */
export interface ClusterNode extends Pick<
  LaneConnection,
  | 'addresses'
  | 'beat'
  | 'close'
  | 'dispatch'
  | 'drop'
  | 'hurry'
  | 'inFlight'
  | 'open'
  | 'opening'
  | 'reauthenticate'
  | 'refusal'
  | 'replace'
> {
  readonly client: Pick<LaneConnection['client'], 'usable'>;
}

export interface ClusterNodesOptions {
  readonly purpose: string;
  readonly map: Pick<ClusterMap, 'known' | 'moved'>;
  /** Makes the connection of one lane to one node; not opened yet. */
  readonly connect: (node: Address) => ClusterNode;
  /** The connections, or what they are to the lane, changed. */
  readonly changed: () => void;
  /** The lane has nothing to do with the node any more. */
  readonly left: (node: ClusterNode) => void;
}

/** Nothing that was sent to a node that left the table is owed an answer for longer. */
const LEAVE_MS = 500;

/** Slots go to a few nodes at a time; a node that names ever new ones is not believed. */
export const MOST_OUTSIDERS = 16;

/**
 * The connections of one lane: one to each primary of the cluster, the members, and some to nodes that ASK named and
 * that have no slot yet. What becomes of those outsiders says nothing about the lane.
 */
export class ClusterNodes {
  private readonly byName = new Map<string, ClusterNode>();
  private readonly outsiders = new Map<string, ClusterNode>();
  /** Names of outsiders that were asked for since the table was last asked for. */
  private readonly wanted = new Set<string>();
  private readonly leaving = new Set<ClusterNode>();
  /** The values of `byName`: looked at with each command, and made anew only when they change. */
  private list: readonly ClusterNode[] = [];
  private ended = false;

  constructor(private readonly options: ClusterNodesOptions) {}

  get closed(): boolean {
    return this.ended;
  }

  /** The table has been learned. */
  get known(): boolean {
    return this.options.map.known !== undefined;
  }

  /** Every slot has a primary, and every primary a usable connection. */
  get complete(): boolean {
    return Boolean(this.options.map.known?.covered) && this.list.every(({ client }) => client.usable);
  }

  /** The connections to the primaries. */
  get members(): readonly ClusterNode[] {
    return this.list;
  }

  get hasOutsiders(): boolean {
    return this.outsiders.size > 0;
  }

  get inFlight(): number {
    let sum = 0;
    for (const node of this.list) sum += node.inFlight;
    for (const node of this.outsiders.values()) sum += node.inFlight;
    return sum;
  }

  /** Members and outsiders. */
  all(): ClusterNode[] {
    return [...this.list, ...this.outsiders.values()];
  }

  forSlot(slot: number | undefined): ClusterNode | undefined {
    if (slot === undefined) return this.list.find(({ client }) => client.usable) ?? this.list[0];
    const owner = this.options.map.known?.nameOf(slot);
    return owner === undefined ? undefined : this.byName.get(owner);
  }

  /** The connection to a node that ASK named. @returns undefined when there are too many of them, or at the end */
  at(address: Address): ClusterNode | undefined {
    const name = describeAddress(address);
    const member = this.byName.get(name);
    if (member) return member;
    const known = this.outsiders.get(name);
    if (!known && (this.ended || this.outsiders.size >= MOST_OUTSIDERS)) return undefined;
    this.wanted.add(name);
    if (known) return known;
    const node = this.options.connect(address);
    this.outsiders.set(name, node);
    node.open();
    this.options.changed();
    return node;
  }

  /** A node said where a slot went. */
  moved(slot: number, to: Address): void {
    this.options.map.moved(slot, to);
  }

  /**
   * Makes the members those of the table.
   * @param fresh it was asked for anew: outsiders that nobody wanted since the last time are let go
   */
  follow(fresh: boolean): void {
    const { map, changed } = this.options;
    if (this.ended || !map.known) return;
    const names = new Set<string>();
    for (const primary of map.known.primaries()) names.add(this.join(primary));
    const gone = taken(this.byName, (name) => !names.has(name));
    if (fresh) {
      gone.push(...taken(this.outsiders, (name) => !this.wanted.has(name)));
      this.wanted.clear();
    }
    this.list = [...this.byName.values()];
    for (const node of gone) this.leave(node);
    changed();
  }

  /** For all of them, those that are leaving included. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.ended = true;
    await Promise.all([...this.all(), ...this.leaving].map((node) => node.close(deadlineMs)));
  }

  unavailable(): RedisUnavailableError {
    const { purpose } = this.options;
    const facts = { purpose, retryAfterMs: RETRY_AFTER_MS, maybeExecuted: false };
    return new RedisUnavailableError({ ...facts, reason: 'clusterdown' });
  }

  /** An outsider becomes a member with its first slot, its connection included. */
  private join(primary: Address): string {
    const name = describeAddress(primary);
    if (this.byName.has(name)) return name;
    const outsider = this.outsiders.get(name);
    this.outsiders.delete(name);
    const node = outsider ?? this.options.connect(primary);
    this.byName.set(name, node);
    if (!outsider) node.open();
    return name;
  }

  private leave(node: ClusterNode): void {
    this.leaving.add(node);
    void node.close(LEAVE_MS).finally(() => this.leaving.delete(node));
    this.options.left(node);
  }
}

/** Takes those out whose name is `unwanted`. */
function taken(nodes: Map<string, ClusterNode>, unwanted: (name: string) => boolean): ClusterNode[] {
  const gone = [...nodes].filter(([name]) => unwanted(name));
  for (const [name] of gone) nodes.delete(name);
  return gone.map(([, node]) => node);
}
