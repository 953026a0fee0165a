import type { TestCertificates } from './certificates.js';
import { ClusterNode } from './cluster-node.js';
import { assertSettled, isMasterOfSlot, masterOfSlot } from './cluster-view.js';
import { startRedisServer, type RedisServer } from './redis-server.js';
import { moveSlot, type MoveOptions } from './slot-move.js';
import {
  prepareAccess,
  replicationLines,
  type Access,
  type AccessOptions,
  type Account,
} from './topology-accounts.js';
import { prepareTls, type PreparedTls, type TopologyTls } from './topology-tls.js';
import { waitFor } from './wait-for.js';

export interface RedisClusterOptions extends AccessOptions {
  /** Of each master; none by default. */
  replicas?: 0 | 1;
  /** Clients and the cluster bus alike, without a plain port. */
  tls?: TopologyTls;
  /** With `tls`: refuse clients without a certificate of the authority. */
  requireClientCert?: boolean;
  /** After how much silence a node holds another one for lost; 1000 by default. */
  nodeTimeoutMs?: number;
  /** Whether all slots are refused while one has no master; true by default, as in Redis. */
  requireFullCoverage?: boolean;
  appendonly?: boolean;
}

const MASTERS = 3;
const SLOTS = 16_384;
/** Below the 30 s that a test may take, so that what was awaited is named. */
const SETTLE_TIMEOUT_MS = 25_000;

/**
 * Starts three masters, each with a third of the slots, and their replicas. Resolves when every node says
 * `cluster_state:ok`, all know the same layout and the replicas are in step.
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const tls = await prepareTls(options.tls, options.requireClientCert);
  const access = prepareAccess(options, ['replication', 'migration']);
  const cluster = new RedisCluster(tls, access.account('migration'));
  try {
    await cluster.start(options, access);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

export class RedisCluster {
  readonly host = '127.0.0.1';
  /** The three that began as masters, then their replicas in the same order. */
  readonly nodes: readonly ClusterNode[] = [];
  readonly certificates: TestCertificates | undefined;
  readonly #servers: RedisServer[] = [];
  readonly #tls: PreparedTls | undefined;
  readonly #migration: Account | undefined;

  /** Use `startRedisCluster`. */
  constructor(tls: PreparedTls | undefined, migration: Account | undefined) {
    this.certificates = tls?.certificates;
    this.#tls = tls;
    this.#migration = migration;
  }

  /** The addresses of all nodes for a URL: `127.0.0.1:1,127.0.0.1:2,127.0.0.1:3`. */
  get hosts(): string {
    return this.nodes.map(({ host, port }) => `${host}:${port}`).join(',');
  }

  async start(options: RedisClusterOptions, access: Access): Promise<void> {
    const count = MASTERS * (1 + (options.replicas ?? 0));
    const starting = Array.from({ length: count }, () => this.#startServer(options, access));
    // All of them: a failure is reported only when nothing is being started any more.
    await Promise.allSettled(starting);
    await Promise.all(starting);
    for (const server of this.#servers) {
      const id = String(await server.admin().call('CLUSTER', 'MYID'));
      (this.nodes as ClusterNode[]).push(new ClusterNode(id, server));
    }
    await this.#assemble();
    await this.waitUntilStable();
  }

  /** The node that most of the running nodes hold for the master of the slot. */
  masterOfSlot(slot: number): Promise<ClusterNode> {
    return masterOfSlot(this.nodes, slot);
  }

  /** The running replicas of a node. */
  async replicasOf(master: ClusterNode): Promise<ClusterNode[]> {
    const known = await master.known();
    return this.nodes.filter(
      ({ id, serving }) => serving && known.some((it) => it.id === id && it.masterId === master.id),
    );
  }

  /**
   * Moves a slot with its keys; resolves when every running node knows. A test can hold it half way with
   * `after`: clients are then answered with ASK for keys that have gone over, and TRYAGAIN for several at once.
   */
  async moveSlot(slot: number, target: ClusterNode, options: MoveOptions = {}): Promise<void> {
    const source = await this.masterOfSlot(slot);
    await moveSlot({ ...options, slot, source, target, nodes: this.nodes, account: this.#migration });
    await waitFor(() => isMasterOfSlot(this.nodes, slot, target), {
      what: `all nodes to know the new master of slot ${slot}`,
      timeoutMs: SETTLE_TIMEOUT_MS,
    });
  }

  /** A planned take-over by a replica; resolves when every running node knows it as the master of those slots. */
  async failover(replica: ClusterNode): Promise<void> {
    const { masterId } = await replica.myself();
    const master = this.nodes.find(({ id }) => id === masterId);
    const [first] = (await master?.slots()) ?? [];
    if (!master || !first) throw new Error(`The node on port ${replica.port} has no master with slots`);
    await replica.admin().call('CLUSTER', 'FAILOVER');
    await this.newMaster(first[0], master);
  }

  /** Resolves when all running nodes hold one other node than `former` for the master of the slot. */
  newMaster(slot: number, former: ClusterNode, timeoutMs = SETTLE_TIMEOUT_MS): Promise<ClusterNode> {
    const find = async (): Promise<ClusterNode | undefined> => {
      const master = await this.masterOfSlot(slot);
      return master !== former && (await isMasterOfSlot(this.nodes, slot, master)) ? master : undefined;
    };
    const what = `another master of slot ${slot} than port ${former.port}`;
    return waitFor(find, { what, timeoutMs, intervalMs: 20 });
  }

  /**
   * Waits until the running nodes say `cluster_state:ok`, know each other and the same layout, and the replicas
   * among them are in step. Stopped and frozen ones do not count.
   */
  async waitUntilStable(timeoutMs = SETTLE_TIMEOUT_MS): Promise<void> {
    const settled = () => assertSettled(this.nodes).then(() => true);
    await waitFor(settled, { what: 'the nodes of the cluster to settle', timeoutMs, intervalMs: 25 });
  }

  /** Ends everything, frozen or not. */
  async stop(): Promise<void> {
    // SIGKILL, since a master waits for its replicas on SIGTERM.
    await Promise.all(this.#servers.map((server) => server.kill9()));
    await Promise.all(this.#servers.map((server) => server.stop()));
    this.#tls?.remove();
  }

  async #startServer(options: RedisClusterOptions, access: Access): Promise<void> {
    const { nodeTimeoutMs = 1_000, requireFullCoverage = true, appendonly = false } = options;
    const { acl, requirepass } = access;
    const server = await startRedisServer({
      cluster: true,
      appendonly,
      ...(acl && { acl }),
      ...(requirepass !== undefined && { requirepass }),
      ...(this.#tls && { tls: this.#tls.options }),
      configLines: [
        ...(this.#tls ? ['tls-cluster yes', 'tls-replication yes'] : []),
        ...replicationLines(access.account('replication')),
        `cluster-node-timeout ${nodeTimeoutMs}`,
        `cluster-require-full-coverage ${requireFullCoverage ? 'yes' : 'no'}`,
        // A replica stays with the master that a test gave it.
        'cluster-allow-replica-migration no',
        // Five seconds by default, in case more replicas come.
        'repl-diskless-sync-delay 0',
        // The first ping is what makes an empty replica appear in CLUSTER SLOTS; ten seconds by default.
        'repl-ping-replica-period 1',
      ],
    });
    this.#servers.push(server);
  }

  async #assemble(): Promise<void> {
    const masters = this.nodes.slice(0, MASTERS);
    const firstSlot = (index: number): number => Math.ceil((index * SLOTS) / MASTERS);
    for (const [index, node] of this.nodes.entries()) {
      // Two nodes with the same epoch would first have to settle which of them counts.
      await node.admin().call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      if (index >= MASTERS) continue;
      await node.admin().call('CLUSTER', 'ADDSLOTSRANGE', firstSlot(index), firstSlot(index + 1) - 1);
    }
    // Everybody meets everybody: by way of gossip they would find each other too, but later.
    for (const [index, node] of this.nodes.entries()) {
      for (const { host, port, busPort } of this.nodes.slice(index + 1)) {
        await node.admin().call('CLUSTER', 'MEET', host, port, busPort ?? '');
      }
    }
    for (const [index, replica] of this.nodes.slice(MASTERS).entries()) {
      // Refused until the replica has met its master.
      await waitFor(() => replica.admin().call('CLUSTER', 'REPLICATE', masters[index]?.id ?? ''), {
        what: `port ${replica.port} to become a replica`,
        timeoutMs: SETTLE_TIMEOUT_MS,
      });
    }
  }
}
