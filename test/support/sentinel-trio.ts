import type { Redis } from 'ioredis';
import type { TestCertificates } from './certificates.js';
import { startRedisServer, type RedisServer, type RedisServerOptions } from './redis-server.js';
import { assertSettled, isPrimary, namedPrimary, type Trio } from './sentinel-view.js';
import { prepareAccess, replicationLines, type Access, type AccessOptions } from './topology-accounts.js';
import { prepareTls, type PreparedTls, type TopologyTls } from './topology-tls.js';
import { waitFor } from './wait-for.js';

export interface SentinelTrioOptions extends AccessOptions {
  /** The name by which clients ask Sentinel for the primary; `bulkhead` by default. */
  masterName?: string;
  /** Data servers and Sentinels alike, without a plain port. */
  tls?: TopologyTls;
  /** With `tls`: refuse clients without a certificate of the authority. */
  requireClientCert?: boolean;
  /** What the Sentinels themselves ask of their clients; open by default. Excludes one another as on a server. */
  sentinelAuth?: AccessOptions;
  /** After how much silence a Sentinel holds a server for down; 1000 by default, see `SentinelPace.pingPeriodMs`. */
  downAfterMs?: number;
  /** Twice this time passes before a failed attempt is repeated, as after a split vote; 3000 by default. */
  failoverTimeoutMs?: number;
  /** Replicas that must follow within `minReplicasMaxLag`, else the primary refuses writes; 0 by default. */
  minReplicasToWrite?: number;
  /** Whole seconds. */
  minReplicasMaxLag?: number;
  /** `HURRIED_PACE` by default. */
  pace?: SentinelPace;
  appendonly?: boolean;
}

/** The rhythm of the Sentinels, which no setting of theirs changes in production. */
export interface SentinelPace {
  /**
   * How often a Sentinel pings. `downAfterMs` must be clearly longer: a Sentinel that has just learned an address waits
   * this long for its first ping, and meanwhile counts the silence. With both at 1000 the two that follow a fail-over
   * often held the new primary for down at once and started another fail-over. Five times this must exceed a second:
   * a replica that a Sentinel has heard less recently is not chosen.
   */
  pingPeriodMs: number;
  /**
   * How often a Sentinel announces itself. Four times this passes before the Sentinels turn a server that still holds
   * itself for a primary into a replica.
   */
  publishPeriodMs: number;
  /** How often a Sentinel asks a server for its role, and so how soon it notices what it has not done itself. */
  infoPeriodMs: number;
}

/** Built into Sentinel. A former primary takes writes for ten seconds more, after a planned fail-over or a restart. */
export const PRODUCTION_PACE: SentinelPace = {
  pingPeriodMs: 1_000,
  publishPeriodMs: 2_000,
  infoPeriodMs: 10_000,
};
/** The same order of events, but a former primary has become a replica after one or two seconds. */
export const HURRIED_PACE: SentinelPace = { pingPeriodMs: 300, publishPeriodMs: 200, infoPeriodMs: 250 };

const DOWN_AFTER_MS = 1_000;
const PING_MARGIN_MS = 500;
/** Below the 30 s that a test may take, so that what was awaited is named. */
const FAILOVER_TIMEOUT_MS = 25_000;

/**
 * Starts one primary, two replicas of it and three Sentinels with a quorum of two. Resolves when both replicas are in
 * step and every Sentinel knows all of them.
 */
export async function startSentinelTrio(options: SentinelTrioOptions = {}): Promise<SentinelTrio> {
  const { downAfterMs = DOWN_AFTER_MS, pace = HURRIED_PACE } = options;
  if (downAfterMs < pace.pingPeriodMs + PING_MARGIN_MS) {
    throw new Error(
      `downAfterMs (${downAfterMs}) must exceed the ping period (${pace.pingPeriodMs}) by ${PING_MARGIN_MS} ms, ` +
        'else the Sentinels hold a new primary for down before they ask it',
    );
  }
  const tls = await prepareTls(options.tls, options.requireClientCert);
  const access = prepareAccess(options, ['replication', 'monitoring']);
  const trio = new SentinelTrio(options, tls);
  try {
    await trio.start(access);
    return trio;
  } catch (error) {
    await trio.stop();
    throw error;
  }
}

export class SentinelTrio implements Trio {
  readonly host = '127.0.0.1';
  readonly masterName: string;
  /** In the order of their start: the first one began as the primary. */
  readonly servers: RedisServer[] = [];
  readonly sentinels: RedisServer[] = [];
  readonly certificates: TestCertificates | undefined;
  readonly #options: SentinelTrioOptions;
  readonly #pace: SentinelPace;
  readonly #tls: PreparedTls | undefined;

  /** Use `startSentinelTrio`. */
  constructor(options: SentinelTrioOptions, tls: PreparedTls | undefined) {
    this.masterName = options.masterName ?? 'bulkhead';
    this.certificates = tls?.certificates;
    this.#options = options;
    this.#pace = options.pace ?? HURRIED_PACE;
    this.#tls = tls;
  }

  /** The addresses of the Sentinels for a URL: `127.0.0.1:1,127.0.0.1:2,127.0.0.1:3`. */
  get sentinelHosts(): string {
    return this.sentinels.map(({ host, port }) => `${host}:${port}`).join(',');
  }

  async start(access: Access): Promise<void> {
    const primary = await this.#data(access, []);
    const follow = [`replicaof ${primary.host} ${primary.port}`];
    await all([this.#data(access, follow), this.#data(access, follow)]);
    // A Sentinel looks at the replicas of a primary when it first sees it, and then only every ten seconds.
    await waitFor(
      async () => (await primary.admin().info('replication')).match(/state=online/g)?.length === 2,
      {
        what: 'the replicas to be in step',
        timeoutMs: FAILOVER_TIMEOUT_MS,
      },
    );
    const peers = prepareAccess(this.#options.sentinelAuth ?? {}, ['peer']);
    const watch = () => this.#sentinel(peers, sentinelLines(this, this.#options, { access, peers }));
    await all([watch(), watch(), watch()]);
    // They find each other by announcements, and need not take the time of production for that.
    await all(this.sentinels.map((sentinel) => setPace(sentinel.admin(), HURRIED_PACE)));
    await this.waitUntilStable();
    await all(this.sentinels.map((sentinel) => setPace(sentinel.admin(), this.#pace)));
  }

  /** The server that most of the running Sentinels name. */
  primary(): Promise<RedisServer> {
    return namedPrimary(this);
  }

  /** The servers that run and are not the primary. */
  async replicas(): Promise<RedisServer[]> {
    const primary = await this.primary();
    return this.servers.filter((server) => server !== primary && server.serving);
  }

  /**
   * A planned fail-over; resolves with the new primary as `newPrimary` does. The former primary takes writes for some
   * more seconds, which are lost, see `SentinelPace`; `waitUntilStable` waits for its return as a replica.
   */
  async failover(): Promise<RedisServer> {
    const former = await this.primary();
    const leader = this.sentinels.find((sentinel) => sentinel.serving);
    // Refused while another fail-over is under way, or while no replica has been seen in good order.
    await waitFor(() => leader?.admin().call('SENTINEL', 'FAILOVER', this.masterName), {
      what: 'a Sentinel to accept a fail-over',
      timeoutMs: FAILOVER_TIMEOUT_MS,
      intervalMs: 50,
    });
    return this.newPrimary(former);
  }

  /** Resolves when all running Sentinels name one other server than `former`, and it is a primary. */
  newPrimary(former: RedisServer, timeoutMs = FAILOVER_TIMEOUT_MS): Promise<RedisServer> {
    const find = async (): Promise<RedisServer | undefined> => {
      const named = await this.primary();
      return named !== former && (await isPrimary(this, named)) ? named : undefined;
    };
    return waitFor(find, { what: `another primary than port ${former.port}`, timeoutMs, intervalMs: 20 });
  }

  /**
   * Waits until every server that runs is in its place: one primary, all others in step with it, and every Sentinel
   * knows that. Stopped and frozen ones do not count.
   */
  async waitUntilStable(timeoutMs = FAILOVER_TIMEOUT_MS): Promise<void> {
    const settled = () => assertSettled(this).then(() => true);
    await waitFor(settled, { what: 'primary, replicas and Sentinels to settle', timeoutMs, intervalMs: 25 });
  }

  /** Ends everything, frozen or not. */
  async stop(): Promise<void> {
    // Sentinels first, so that none starts a fail-over; SIGKILL, since a primary waits for replicas on SIGTERM.
    for (const server of [...this.sentinels, ...this.servers]) await server.kill9();
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
    this.#tls?.remove();
  }

  async #data(access: Access, extra: string[]): Promise<RedisServer> {
    const { appendonly = false, minReplicasToWrite = 0, minReplicasMaxLag = 10 } = this.#options;
    const server = await startRedisServer({
      ...this.#shared(access),
      appendonly,
      configLines: [
        ...(this.#tls ? ['tls-replication yes'] : []),
        ...replicationLines(access.account('replication')),
        `min-replicas-to-write ${minReplicasToWrite}`,
        `min-replicas-max-lag ${minReplicasMaxLag}`,
        // Five seconds by default, in case more replicas come.
        'repl-diskless-sync-delay 0',
        ...extra,
      ],
    });
    this.servers.push(server);
    return server;
  }

  async #sentinel(access: Access, configLines: string[]): Promise<void> {
    const afterStart = (admin: Redis) => setPace(admin, this.#pace);
    const options = { ...this.#shared(access), configLines, extraArgs: ['--sentinel'], afterStart };
    this.sentinels.push(await startRedisServer(options));
  }

  #shared({ acl, requirepass }: Access): RedisServerOptions {
    return {
      ...(acl && { acl }),
      ...(requirepass !== undefined && { requirepass }),
      ...(this.#tls && { tls: this.#tls.options }),
    };
  }
}

function sentinelLines(
  { masterName, servers: [primary] }: SentinelTrio,
  { downAfterMs = DOWN_AFTER_MS, failoverTimeoutMs = 3_000, tls }: SentinelTrioOptions,
  { access, peers }: { access: Access; peers: Access },
): string[] {
  const server = access.account('monitoring');
  const peer = peers.account('peer');
  return [
    ...(tls ? ['tls-replication yes'] : []),
    `sentinel monitor ${masterName} ${primary?.host} ${primary?.port} 2`,
    `sentinel down-after-milliseconds ${masterName} ${downAfterMs}`,
    `sentinel failover-timeout ${masterName} ${failoverTimeoutMs}`,
    `sentinel parallel-syncs ${masterName} 2`,
    ...(server?.username ? [`sentinel auth-user ${masterName} ${server.username}`] : []),
    ...(server ? [`sentinel auth-pass ${masterName} ${JSON.stringify(server.password)}`] : []),
    ...(peer?.username ? [`sentinel sentinel-user ${peer.username}`] : []),
    ...(peer ? [`sentinel sentinel-pass ${JSON.stringify(peer.password)}`] : []),
  ];
}

function setPace(admin: Redis, pace: SentinelPace): Promise<unknown> {
  const { pingPeriodMs, publishPeriodMs, infoPeriodMs } = pace;
  const args = ['ping-period', pingPeriodMs, 'publish-period', publishPeriodMs, 'info-period', infoPeriodMs];
  return admin.call('SENTINEL', 'DEBUG', ...args);
}

/** Like `Promise.all`, but a failure is reported only when nothing is being started any more. */
async function all(pending: Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(pending);
  await Promise.all(pending);
}
