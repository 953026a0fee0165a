import { type Fault, formatFaults } from '../config/index.js';
import { EXIT, StartupError } from '../kernel/errors.js';
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
}

/** Puts a loss into the one line that names purpose, variable, reason and remedy. */
export function faultOf({ purpose, env, source, address }: FaultSource, loss: Loss): Fault {
  const at = (variable: string, remedy: string): Fault => ({
    variable,
    purpose,
    rule: `${address}: ${loss.detail} (${loss.reason})`,
    remedy,
  });
  switch (loss.suspect) {
    case 'address':
      return at(source, 'Correct the address, or start the server and let the network through');
    case 'database':
      return at(
        source,
        'Name a database that the server has and the user may select (+select), or end it with /0',
      );
    case 'credentials':
      return at(
        `${env}_PASSWORD`,
        `Set or correct user and password in ${source}, or in ${env}_USERNAME and ${env}_PASSWORD (or ${env}_PASSWORD_FILE)`,
      );
    case 'authority':
      return at(
        `${env}_TLS_CA_FILE`,
        "Name the PEM file of the authority that signed the server's certificate",
      );
    case 'servername':
      return at(`${env}_TLS_SERVERNAME`, 'Set it to a name in the certificate, or use that name in the URL');
    case 'client-certificate':
      return at(
        `${env}_TLS_CERT_FILE`,
        `Set it and ${env}_TLS_KEY_FILE to a client certificate that the server trusts`,
      );
    case 'scheme':
      return at(source, 'Make scheme and port agree: rediss:// for a TLS port, redis:// for a plain one');
    case 'grants':
      return at(`${env}_USERNAME`, `Grant the rule that "redis acl --purpose ${purpose}" prints`);
    case 'server':
      return at(source, 'Mend it on the server, or name another one');
  }
}

const PROOF_REMEDIES: Readonly<Record<Proof['fact'], string>> = {
  identity: 'Correct the user',
  database: 'Name a database that the server has, or use a server of its own (/0)',
  role: 'Name the primary',
  version: 'Upgrade the server',
  commands: '',
  eviction: 'Run "CONFIG SET maxmemory-policy noeviction" and put it into the configuration of the server',
  persistence: 'Switch on appendonly, or state who keeps the data with the durability variable',
  anonymous: 'Set a password on the server, and switch the default user off',
};

/** Puts a contradicted proof into one line. */
export function faultOfProof(source: FaultSource, proof: Proof): Fault {
  const remedy =
    proof.fact === 'commands'
      ? `Grant the rule that "redis acl --purpose ${source.purpose}" prints`
      : PROOF_REMEDIES[proof.fact];
  const variable =
    proof.fact === 'identity' || proof.fact === 'commands' ? `${source.env}_USERNAME` : source.source;
  return {
    variable,
    purpose: source.purpose,
    rule: `${source.address}: ${proof.detail} (${proof.fact})`,
    remedy,
  };
}
