import { type Fault, formatFaults } from '../config/index.js';
import { EXIT, StartupError } from '../kernel/errors.js';
import type { Suspect } from './handshake-error.js';
import type { Loss } from './loss.js';
import type { Proof } from './status.types.js';

/** How the first connection of a purpose ended. */
export type BootOutcome =
  | { readonly kind: 'up' }
  /** Waiting will not help: settings and server contradict each other. */
  | { readonly kind: 'misconfigured'; readonly faults: readonly Fault[] }
  /** May come back by itself. */
  | { readonly kind: 'unreachable'; readonly faults: readonly Fault[] };

/** The servers and the settings do not fit, or what must be there is not. One list for all purposes. */
export class RedisStartupError extends StartupError {
  readonly exitCode: number;

  constructor(
    readonly misconfigured: readonly Fault[],
    readonly unreachable: readonly Fault[],
  ) {
    super(`Redis: ${misconfigured.length} misconfigured, ${unreachable.length} unreachable`);
    this.name = 'RedisStartupError';
    this.exitCode = misconfigured.length > 0 ? EXIT.config : EXIT.unavailable;
  }

  report(): string {
    return ['Refusing to start.', ...formatFaults([...this.misconfigured, ...this.unreachable])].join('\n');
  }
}

/** Names of the variables of a purpose, for the remedies. */
export interface FaultSource {
  readonly purpose: string;
  /** Stem of the purpose's variables. */
  readonly env: string;
  /** The variable that the address came from. */
  readonly source: string;
  /** Address without credentials. */
  readonly address: string;
  /** Where the Sentinels at that address said the data is. */
  readonly primary?: string;
  /** Behind `redis acl`: prints the rule that the purpose needs there. */
  readonly aclOptions: string;
}

function place({ address, primary }: FaultSource): string {
  return primary === undefined ? address : `${address}: the primary at ${primary}`;
}

/** What to look at first, and what to do. A variable that begins with _ is one of the purpose's own. */
const REMEDIES: Readonly<
  Record<Suspect, (source: FaultSource) => readonly [variable: string, remedy: string]>
> = {
  address: ({ source }) => [source, 'Correct the address, or start the server and let the network through'],
  database: ({ source }) => [
    source,
    'Name a database that the server has and the user may select (+select), or end it with /0',
  ],
  credentials: ({ source, env }) => [
    '_PASSWORD',
    `Set or correct user and password in ${source}, or in ${env}_USERNAME and ${env}_PASSWORD (or ${env}_PASSWORD_FILE)`,
  ],
  authority: () => [
    '_TLS_CA_FILE',
    "Name the PEM file of the authority that signed the server's certificate",
  ],
  servername: () => ['_TLS_SERVERNAME', 'Set it to a name in the certificate, or use that name in the URL'],
  'client-certificate': ({ env }) => [
    '_TLS_CERT_FILE',
    `Set it and ${env}_TLS_KEY_FILE to a client certificate that the server trusts`,
  ],
  scheme: ({ source }) => [
    source,
    'Make scheme and port agree: rediss:// for a TLS port, redis:// for a plain one',
  ],
  grants: ({ aclOptions }) => ['_USERNAME', `Grant the rule that "redis acl ${aclOptions}" prints`],
  replicas: () => ['_WAIT_REPLICAS', 'Let enough replicas follow the primary, or lower what is asked for'],
  topology: () => ['_TOPOLOGY', 'Set it to how the servers are arranged: standalone, sentinel or cluster'],
  'sentinel-name': () => ['_SENTINEL_NAME', 'Set it to the name in "sentinel monitor <name> …"'],
  'sentinel-credentials': ({ env }) => [
    '_SENTINEL_PASSWORD',
    `Set or correct it and ${env}_SENTINEL_USERNAME; the Sentinels have users of their own`,
  ],
  'sentinel-grants': ({ purpose }) => [
    '_SENTINEL_USERNAME',
    `Grant the rule that "redis acl --purpose ${purpose} --sentinels" prints`,
  ],
  nodes: () => ['_NODES', 'Name the servers that belong together, and the port that each listens on'],
  provider: () => ['RedisModule.forRoot', 'Mend the credential provider of this purpose, or what it asks'],
  server: ({ source }) => [source, 'Mend it on the server, or name another one'],
};

/** Puts a loss into the one line that names purpose, variable, reason and remedy. */
export function faultOf(faultSource: FaultSource, { suspect, detail, reason }: Loss): Fault {
  const { purpose, env } = faultSource;
  const [variable, remedy] = REMEDIES[suspect](faultSource);
  return {
    variable: variable.startsWith('_') ? `${env}${variable}` : variable,
    purpose,
    rule: `${place(faultSource)}: ${detail} (${reason})`,
    remedy,
  };
}

const PROOF_REMEDIES: Readonly<Record<Proof['fact'], string>> = {
  topology: 'Set it to how the servers are arranged: standalone, sentinel or cluster',
  sentinels: 'Start those that do not answer, or correct the list',
  replication: 'Set it to 1, or min-replicas-to-write on the servers',
  identity: 'Correct the user',
  database: 'Name a database that the server has, or use a server of its own (/0)',
  role: 'Name the primary',
  version: 'Upgrade the server',
  commands: '',
  eviction: 'Run "CONFIG SET maxmemory-policy noeviction" and put it into the configuration of the server',
  persistence: 'Switch on appendonly, or state who keeps the data with the durability variable',
  anonymous: 'Set a password on the server, and switch the default user off',
};

/** The variable that decides, where it is not the one with the address. */
const PROOF_VARIABLES: Readonly<Partial<Record<Proof['fact'], string>>> = {
  identity: '_USERNAME',
  commands: '_USERNAME',
  topology: '_TOPOLOGY',
  sentinels: '_NODES',
  replication: '_WAIT_REPLICAS',
};

/** Puts a contradicted proof into one line. */
export function faultOfProof(source: FaultSource, proof: Proof): Fault {
  const remedy =
    proof.fact === 'commands'
      ? `Grant the rule that "redis acl ${source.aclOptions}" prints`
      : PROOF_REMEDIES[proof.fact];
  const suffix = PROOF_VARIABLES[proof.fact];
  const variable = suffix === undefined ? source.source : `${source.env}${suffix}`;
  return {
    variable,
    purpose: source.purpose,
    rule: `${place(source)}: ${proof.detail} (${proof.fact})`,
    remedy,
  };
}
