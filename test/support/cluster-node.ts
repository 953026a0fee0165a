import type { Redis } from 'ioredis';
import type { RedisServer, UrlOptions } from './redis-server.js';

/** First and last slot, both included. */
export type SlotRange = readonly [first: number, last: number];

/** One line of CLUSTER NODES: what a node knows about another one, or about itself. */
export interface KnownNode {
  id: string;
  /** `myself`, `master`, `slave`, `fail?`, `fail`, `handshake` … */
  flags: string[];
  /** Id of the master of a replica. */
  masterId: string | undefined;
  connected: boolean;
  slots: SlotRange[];
}

/** A server of a cluster, with the id that stays the same over restarts, take-overs and moves of slots. */
export class ClusterNode {
  readonly id: string;
  readonly server: RedisServer;

  constructor(id: string, server: RedisServer) {
    this.id = id;
    this.server = server;
  }

  get host(): string {
    return this.server.host;
  }

  get port(): number {
    return this.server.port;
  }

  get busPort(): number | undefined {
    return this.server.busPort;
  }

  get running(): boolean {
    return this.server.running;
  }

  /** Running and not frozen. */
  get serving(): boolean {
    return this.server.serving;
  }

  url(options?: UrlOptions): string {
    return this.server.url(options);
  }

  /** A client of this one node, which follows no MOVED and ASK, see `RedisServer.admin`. */
  admin(): Redis {
    return this.server.admin();
  }

  kill9(): Promise<void> {
    return this.server.kill9();
  }

  freeze(): Promise<void> {
    return this.server.freeze();
  }

  thaw(): void {
    this.server.thaw();
  }

  restart(): Promise<void> {
    return this.server.restart();
  }

  /** All nodes as this one knows them, itself included. */
  async known(): Promise<KnownNode[]> {
    const lines = String(await this.admin().call('CLUSTER', 'NODES')).trim();
    return lines.split('\n').map(parse);
  }

  /** What this node says about itself. */
  async myself(): Promise<KnownNode> {
    const entry = (await this.known()).find(({ flags }) => flags.includes('myself'));
    if (!entry) throw new Error(`The node on port ${this.port} does not list itself`);
    return entry;
  }

  /** The slots that this node holds itself for the master of; none for a replica. */
  async slots(): Promise<SlotRange[]> {
    return (await this.myself()).slots;
  }
}

/** `<id> <address> <flags> <master id or -> <ping> <pong> <epoch> <link> <slot or range> … [<slot>-><id>]` */
function parse(line: string): KnownNode {
  const [id = '', , flags = '', masterId = '-', , , , link, ...slots] = line.split(' ');
  return {
    id,
    flags: flags.split(','),
    masterId: masterId === '-' ? undefined : masterId,
    connected: link === 'connected',
    // In brackets: slots on the move, which still belong to their source.
    slots: slots.filter((range) => !range.startsWith('[')).map(parseRange),
  };
}

function parseRange(range: string): SlotRange {
  const [first, last = first] = range.split('-').map(Number);
  if (first === undefined || last === undefined) throw new Error(`Not a range of slots: ${range}`);
  return [first, last];
}
