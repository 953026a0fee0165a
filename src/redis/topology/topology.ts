import { isIP } from 'node:net';
import type { Fault } from '../../config/index.js';
import type { Address } from '../dialer.js';
import type { Credentials } from '../live-access.js';
import type { PurposeDefinition } from '../purposes.js';
import type { PurposeSettings } from '../redis.config.js';

/** How the servers of a purpose are arranged, and whom to ask where the data is. */
export type Topology =
  | { readonly kind: 'standalone' }
  | {
      readonly kind: 'sentinel';
      /** The name that the Sentinels know the servers by. */
      readonly name: string;
      readonly sentinels: readonly Address[];
      /** Of the Sentinels themselves; they have users of their own. */
      readonly credentials: Credentials;
    }
  | { readonly kind: 'cluster'; readonly seeds: readonly Address[] };

export interface TopologyRequest {
  readonly purpose: string;
  readonly definition: PurposeDefinition;
  readonly own: PurposeSettings;
  /** Host, port and database of the URL, and the variable that it came from. */
  readonly url: Address & { readonly db: number; readonly source: string };
  /** With which the Sentinels are asked, where there are some. */
  readonly sentinels: Credentials;
}

/** Turns the settings of a purpose into its topology, or into everything that is wrong with them. */
export function resolveTopology(request: TopologyRequest): Topology | Fault[] {
  const { own, url } = request;
  const nodes = readNodes(own.nodes);
  const faults = topologyFaults(request, nodes);
  if (faults.length > 0) return faults;
  const first: Address = { host: url.host, port: url.port };
  const all = distinct([first, ...(nodes ?? [])]);
  if (own.topology === 'cluster') return { kind: 'cluster', seeds: all };
  if (own.topology === 'standalone') return { kind: 'standalone' };
  const { sentinelName: name = '' } = own;
  return { kind: 'sentinel', name, sentinels: all, credentials: request.sentinels };
}

/** How many replicas must have an acknowledged write, where no variable says. */
export function usualWaitReplicas({ replication }: PurposeDefinition, topology: Topology['kind']): number {
  return topology !== 'standalone' && replication === 'require' ? 1 : 0;
}

export function describeAddress({ host, port }: Address): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function topologyFaults({ purpose, definition, own, url }: TopologyRequest, nodes: Address[] | undefined) {
  const { topology } = own;
  const faults: Fault[] = [];
  const stem = definition.env;
  const fault = (suffix: string, rule: string, remedy: string) =>
    faults.push({ variable: `${stem}${suffix}`, purpose, rule, remedy });
  const useless = `Remove it, or set ${stem}_TOPOLOGY`;

  if (topology === 'standalone') {
    if (own.nodes !== undefined)
      fault('_NODES', 'is set, but a standalone server has no other nodes', useless);
  } else if (nodes === undefined) {
    fault('_NODES', 'is not a list of host:port, separated by commas', NODES_FORM);
  } else if (own.nodes === undefined) {
    const what = topology === 'sentinel' ? 'Sentinels' : 'nodes of the cluster';
    const rule = `is not set, so that nobody can be asked when ${url.host}:${url.port} is away`;
    fault('_NODES', rule, `Name the other ${what}, e.g. host-2:${url.port},host-3:${url.port}`);
  }
  if (topology === 'sentinel' && own.sentinelName === undefined) {
    fault('_SENTINEL_NAME', 'is not set', 'Set it to the name in "sentinel monitor <name> …"');
  }
  if (topology !== 'sentinel') {
    for (const [suffix, value] of [
      ['_SENTINEL_NAME', own.sentinelName],
      ['_SENTINEL_USERNAME', own.sentinelUsername],
      ['_SENTINEL_PASSWORD', own.sentinelPassword],
    ] as const) {
      if (value !== undefined) fault(suffix, `is set, but the topology is ${topology}`, useless);
    }
  } else if (own.sentinelUsername !== undefined && own.sentinelPassword === undefined) {
    fault('_SENTINEL_PASSWORD', 'is not set although a user of the Sentinels is', 'Set both or none');
  }
  if (topology === 'cluster' && url.db !== 0) {
    const rule = `names database ${url.db}, and a cluster has database 0 only`;
    faults.push({ variable: url.source, purpose, rule, remedy: 'End it with /0, or with nothing' });
  }
  return faults;
}

const NODES_FORM = 'Write e.g. host-2:6379,host-3:6379';

/** @returns undefined when the text is not such a list */
function readNodes(text: string | undefined): Address[] | undefined {
  if (text === undefined) return [];
  const nodes = text.split(',').map((part) => readAddress(part.trim()));
  return nodes.every((node) => node !== undefined) ? nodes : undefined;
}

function readAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)):(\d{1,5})$/i.exec(text);
  const [, ipv6, name, digits] = match ?? [];
  const port = Number(digits);
  const host = ipv6 === undefined || isIP(ipv6) === 6 ? (ipv6 ?? name) : undefined;
  return host !== undefined && port > 0 && port < 65_536 ? { host, port } : undefined;
}

/** Each once, in the order given. */
export function distinct(addresses: readonly Address[]): Address[] {
  return [...new Map(addresses.map((address) => [describeAddress(address), address])).values()];
}
