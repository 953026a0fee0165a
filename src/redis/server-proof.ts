import type { LiveAccess } from './live-access.js';
import type { PurposeDefinition } from './purposes.js';
import type { UnavailableReason } from './redis.errors.js';
import type { ServerFacts } from './server-facts.js';
import type { Engine, Proof } from './status.types.js';
import type { Topology } from './topology/topology.js';

export interface Expectation {
  readonly engine: Engine;
  readonly definition: PurposeDefinition;
  readonly db: number;
  /** Asked at each proof: the user may change while the process runs. */
  readonly access: Pick<LiveAccess, 'user'>;
  readonly clientName: string;
  /** Outside local profiles a contradicted eviction or persistence proof closes the compartment. */
  readonly enforced: boolean;
  /** What the operator states where the server does not show it. */
  readonly durability?: 'aof' | 'provider';
  readonly topology: Topology['kind'];
  /** Replicas that each write waits for. */
  readonly waitReplicas: number;
}

/** Oldest server that the tests run on. 6.2 words the errors of scripts in another way, which would be misread. */
const MINIMUM_VERSION = [7, 0] as const;

/** Holds what the server says against what the purpose relies on. Pure: every case is a table row in its test. */
export function proveServer(facts: ServerFacts, expected: Expectation): Proof[] {
  const proofs = [identity(facts, expected), database(facts, expected), commands(facts)];
  if (expected.engine === 'embedded') {
    const detail = 'the embedded engine has no server behind it to ask';
    return [...proofs, { fact: 'persistence', verdict: 'unprovable', detail }];
  }
  const arrangement = topology(facts, expected);
  // Of a Sentinel or another kind of server nothing else is worth asking.
  if (arrangement.verdict === 'contradicted') return [arrangement];
  return [
    arrangement,
    ...proofs,
    role(facts),
    version(facts),
    eviction(facts),
    persistence(facts, expected),
    ...replication(facts, expected),
  ];
}

/** The contradictions that keep the compartment closed, all at once; none: it may be used. */
export function fatalProofs(proofs: readonly Proof[], expected: Expectation): Proof[] {
  return proofs.filter((proof) => proof.verdict === 'contradicted' && isFatal(proof, expected));
}

/** The stable reason that a contradicted proof is shown under. */
export function reasonOfProof({ fact }: Proof): UnavailableReason {
  return REASONS[fact] ?? 'misconf';
}

const REASONS: Partial<Record<Proof['fact'], UnavailableReason>> = {
  identity: 'auth',
  anonymous: 'auth',
  database: 'select',
  role: 'readonly',
  topology: 'topology',
  replication: 'noreplicas',
  commands: 'noperm',
};

function isFatal({ fact }: Proof, { definition, enforced }: Expectation): boolean {
  switch (fact) {
    case 'topology':
    case 'identity':
    case 'database':
    case 'role':
    case 'version':
    case 'commands':
      return true;
    case 'eviction':
      return enforced && definition.eviction === 'require';
    case 'persistence':
      return enforced && definition.persistence === 'require';
    case 'replication':
      return enforced && definition.replication === 'require';
    case 'anonymous':
      return enforced;
    // As long as one of them answers, the servers can be found.
    case 'sentinels':
      return false;
  }
}

const proven = (fact: Proof['fact'], detail: string): Proof => ({ fact, verdict: 'proven', detail });
const contradicted = (fact: Proof['fact'], detail: string): Proof => ({
  fact,
  verdict: 'contradicted',
  detail,
});
const unprovable = (fact: Proof['fact'], detail: string): Proof => ({ fact, verdict: 'unprovable', detail });

function identity({ user, clientName }: ServerFacts, expected: Expectation): Proof {
  if (user !== undefined && user !== expected.access.user) {
    return contradicted('identity', `the server sees user ${user} instead of ${expected.access.user}`);
  }
  if (clientName !== undefined && clientName !== expected.clientName) {
    return contradicted('identity', `the server sees client name ${clientName}`);
  }
  return user === undefined
    ? unprovable('identity', 'the server does not say which user it sees')
    : proven('identity', `user ${user}`);
}

/** The client library reports a failed SELECT as an event and goes on in database 0. */
function database({ db }: ServerFacts, expected: Expectation): Proof {
  if (db === undefined) {
    return expected.db === 0
      ? unprovable('database', 'the server does not say which database is selected')
      : contradicted('database', `the server does not confirm database ${expected.db}`);
  }
  return db === expected.db
    ? proven('database', `database ${db}`)
    : contradicted('database', `the connection is in database ${db} instead of ${expected.db}`);
}

function role({ role: said }: ServerFacts): Proof {
  if (said === undefined) return unprovable('role', 'the server does not say its role');
  return said === 'master'
    ? proven('role', 'primary')
    : contradicted('role', `the server is a ${said === 'slave' ? 'replica' : said}, which takes no writes`);
}

function topology({ mode }: ServerFacts, expected: Expectation): Proof {
  if (mode === undefined) return unprovable('topology', 'the server does not say how it is arranged');
  const wanted = expected.topology === 'cluster' ? 'cluster' : 'standalone';
  if (mode === wanted) return proven('topology', expected.topology);
  const found = MODES[mode] ?? `runs in mode ${mode}`;
  return contradicted('topology', `the server ${found}, and the topology is ${expected.topology}`);
}

const MODES: Readonly<Record<string, string>> = {
  standalone: 'is in no cluster',
  cluster: 'is a node of a cluster',
  sentinel: 'is a Sentinel',
};

/** Where another server may take over, it must have what was acknowledged. */
function replication(
  { goodReplicas }: ServerFacts,
  { definition, topology, waitReplicas }: Expectation,
): Proof[] {
  if (topology === 'standalone' || definition.replication === 'none') return [];
  if (waitReplicas > 0)
    return [proven('replication', `a write counts when ${waitReplicas} of the replicas have it`)];
  if (goodReplicas !== undefined)
    return [
      proven('replication', 'the server takes writes only while replicas follow (min-replicas-to-write)'),
    ];
  return [
    contradicted('replication', 'a fail-over can undo what was acknowledged: nothing waits for a replica'),
  ];
}

function version({ version: said }: ServerFacts): Proof {
  if (said === undefined) return unprovable('version', 'the server does not say its version');
  const [major = 0, minor = 0] = said.split('.').map(Number);
  const [needMajor, needMinor] = MINIMUM_VERSION;
  return major > needMajor || (major === needMajor && minor >= needMinor)
    ? proven('version', said)
    : contradicted('version', `${said} is older than ${MINIMUM_VERSION.join('.')}`);
}

function commands({ refusedCommands }: ServerFacts): Proof {
  if (refusedCommands === undefined) return unprovable('commands', 'the grants could not be tried');
  return refusedCommands.length === 0
    ? proven('commands', 'every command of the purpose is granted')
    : contradicted('commands', `the server refuses ${refusedCommands.join(', ')}`);
}

function eviction({ evictionPolicy }: ServerFacts): Proof {
  if (evictionPolicy === undefined)
    return unprovable('eviction', 'the server does not show maxmemory-policy');
  return evictionPolicy === 'noeviction'
    ? proven('eviction', 'noeviction')
    : contradicted('eviction', `maxmemory-policy is ${evictionPolicy}: keys can vanish before their time`);
}

function persistence({ aof }: ServerFacts, { definition, durability, enforced }: Expectation): Proof {
  if (definition.persistence === 'none') return proven('persistence', 'not needed');
  if (aof === true) return proven('persistence', 'AOF is on');
  if (durability === 'provider') return unprovable('persistence', 'kept by the provider, as stated');
  if (aof === false) return contradicted('persistence', 'AOF is off: a restart loses acknowledged entries');
  if (durability === 'aof')
    return unprovable('persistence', 'the server does not show its AOF; it is on, as stated');
  const unsaid = 'the server does not show whether its AOF is on, and nobody states who keeps the data';
  // Where it matters, not knowing has to be somebody's decision.
  return enforced ? contradicted('persistence', unsaid) : unprovable('persistence', unsaid);
}
