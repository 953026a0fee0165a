import type { RedisServer } from './redis-server.js';

/** What a Sentinel says about a server it watches, by the names of its reply: `port`, `flags`, `num-slaves` … */
export type SentinelFacts = ReadonlyMap<string, string>;

export interface Trio {
  masterName: string;
  sentinels: readonly RedisServer[];
  servers: readonly RedisServer[];
}

/** A replica reports by itself once per second. */
const ACK_MS = 1_500;

export async function watchedMaster(sentinel: RedisServer, masterName: string): Promise<SentinelFacts> {
  return facts(await sentinel.admin().call('SENTINEL', 'MASTER', masterName));
}

/** The primary that most of the Sentinels name which answer; during a fail-over they may differ. */
export async function namedPrimary({ masterName, sentinels, servers }: Trio): Promise<RedisServer> {
  const serving = sentinels.filter((sentinel) => sentinel.serving);
  const ports = await Promise.all(
    serving.map(async (sentinel) => {
      const address = await sentinel.admin().call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName);
      return Number((address as [string, string])[1]);
    }),
  );
  const votes = (server: RedisServer) => ports.filter((port) => port === server.port).length;
  const winner = servers.find((server) => votes(server) * 2 > ports.length);
  if (!winner) throw new Error(`The Sentinels agree on no primary, they name the ports ${ports.join(', ')}`);
  return winner;
}

/** Whether every Sentinel that runs names this server, and it is a primary. */
export async function isPrimary(trio: Trio, server: RedisServer): Promise<boolean> {
  const ports = await Promise.all(
    trio.sentinels
      .filter((sentinel) => sentinel.serving)
      .map(async (sentinel) => (await watchedMaster(sentinel, trio.masterName)).get('port')),
  );
  return ports.every((port) => port === String(server.port)) && (await roleOf(server))[0] === 'master';
}

/** Throws with the first thing that is not settled among the servers and Sentinels that run. */
export async function assertSettled(trio: Trio): Promise<void> {
  const primary = await namedPrimary(trio);
  expectSame(`port ${primary.port} serves`, primary.serving, true);
  expectSame(`role of ${primary.port}`, (await roleOf(primary))[0], 'master');
  const replicas = trio.servers.filter((server) => server !== primary && server.serving);
  for (const replica of replicas) {
    const [role, , port, link] = await roleOf(replica);
    expectSame(`role of ${replica.port}`, [role, port, link], ['slave', primary.port, 'connected']);
  }
  await assertReplicating(primary, replicas);
  for (const sentinel of trio.sentinels) {
    if (sentinel.serving) await assertWatched(sentinel, trio, primary);
  }
}

async function assertReplicating(primary: RedisServer, replicas: RedisServer[]): Promise<void> {
  const info = await primary.admin().info('replication');
  for (const { port } of replicas) {
    const online = new RegExp(`,port=${port},state=online,`).test(info);
    expectSame(`replica ${port} is online at ${primary.port}`, online, true);
  }
  // An online replica may get nothing for another second, and lose it when it is promoted: only an answer is a proof.
  // A message is replicated like a write and leaves no key.
  await primary.admin().publish('test:in-step', '');
  expectSame('replicas that answer', await primary.admin().wait(replicas.length, ACK_MS), replicas.length);
  // Counted once per second, and only where min-replicas-to-write is set: until then writes are refused.
  const counted = /^min_slaves_good_slaves:(\d+)/m.exec(info)?.[1];
  if (counted !== undefined) expectSame('replicas counted for writes', Number(counted), replicas.length);
}

async function assertWatched(sentinel: RedisServer, trio: Trio, primary: RedisServer): Promise<void> {
  const who = `Sentinel ${sentinel.port}`;
  const master = await watchedMaster(sentinel, trio.masterName);
  expectSame(`the primary of ${who}`, master.get('port'), String(primary.port));
  expectSame(`the flags of the primary at ${who}`, master.get('flags'), 'master');
  expectSame(
    `the other Sentinels at ${who}`,
    master.get('num-other-sentinels'),
    `${trio.sentinels.length - 1}`,
  );
  const watched = new Map(
    (await list(sentinel, 'REPLICAS', trio.masterName)).map((replica) => [replica.get('port'), replica]),
  );
  for (const { port } of trio.servers.filter((server) => server !== primary && server.serving)) {
    const replica = watched.get(String(port));
    const seen = ['flags', 'master-link-status', 'master-port'].map((name) => replica?.get(name));
    expectSame(`replica ${port} at ${who}`, seen, ['slave', 'ok', String(primary.port)]);
  }
  for (const other of await list(sentinel, 'SENTINELS', trio.masterName)) {
    const runs = trio.sentinels.some(({ port, serving }) => serving && String(port) === other.get('port'));
    // `master_down`: what the other one said of the former primary, which is only forgotten after five seconds.
    const flags = other.get('flags')?.replace(',master_down', '');
    if (runs) expectSame(`Sentinel ${other.get('port')} at ${who}`, flags, 'sentinel');
  }
}

async function list(
  sentinel: RedisServer,
  what: 'REPLICAS' | 'SENTINELS',
  masterName: string,
): Promise<SentinelFacts[]> {
  return ((await sentinel.admin().call('SENTINEL', what, masterName)) as unknown[]).map(facts);
}

async function roleOf(server: RedisServer): Promise<unknown[]> {
  return (await server.admin().call('ROLE')) as unknown[];
}

/** Sentinel answers with a flat list of names and values. */
function facts(reply: unknown): SentinelFacts {
  const flat = reply as string[];
  return new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])));
}

function expectSame(what: string, seen: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(seen), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left} instead of ${right}`);
}
