import type { Redis } from 'ioredis';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { UnavailableReason } from '../../../src/redis/index.js';
import { waitFor } from '../../support/wait-for.js';
import { CANARY, type Site } from './house.js';

/** A fault of one server or of the network in front of it. */
export interface FaultRow {
  readonly name: string;
  readonly inject: (site: Site) => Promise<void>;
  readonly heal: (site: Site) => Promise<void>;
  /** Reasons that callers and status may show. */
  readonly reasons: readonly UnavailableReason[];
  /** Calls in flight when the fault begins get no answer although they may have run. */
  readonly unknownOutcomes: boolean;
}

const config = (site: Site, name: string, value: string) =>
  site.server.admin().call('CONFIG', 'SET', name, value);

/** Ends the application's connections, as a fault that shows only at the next connect needs it. */
const killClients = (site: Site) => site.server.admin().call('CLIENT', 'KILL', 'USER', 'app');

export const FAULTS: readonly FaultRow[] = [
  {
    name: 'refused',
    inject: ({ proxy }) => proxy.refuse(),
    heal: ({ proxy }) => proxy.pass(),
    reasons: ['reset', 'refused'],
    unknownOutcomes: true,
  },
  {
    name: 'black-holed',
    inject: ({ proxy }) => proxy.blackHole(),
    heal: ({ proxy }) => proxy.pass(),
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'half-open',
    inject: async ({ proxy }) => {
      proxy.halfOpen();
      await proxy.blackHole();
    },
    heal: ({ proxy }) => proxy.pass(),
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'replies lost after execution',
    inject: ({ proxy }) => proxy.dropReplies(),
    // A connection that lost bytes is reset when they flow again.
    heal: ({ proxy }) => proxy.pass(),
    reasons: ['reset', 'timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'frozen by SIGSTOP',
    inject: ({ server }) => server.freeze(),
    heal: async ({ server }) => server.thaw(),
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'killed and restarted',
    inject: ({ server }) => server.kill9(),
    heal: ({ server }) => server.restart(),
    reasons: ['reset', 'refused', 'timeout', 'loading'],
    unknownOutcomes: true,
  },
  {
    name: 'READONLY',
    inject: async ({ server }) => {
      await server.admin().call('REPLICAOF', '127.0.0.1', '1');
    },
    heal: async ({ server }) => {
      await server.admin().call('REPLICAOF', 'NO', 'ONE');
    },
    reasons: ['readonly'],
    // The connection is replaced, in case the name now leads to another server.
    unknownOutcomes: true,
  },
  {
    name: 'OOM',
    inject: async (site) => void (await config(site, 'maxmemory', '1')),
    heal: async (site) => void (await config(site, 'maxmemory', '0')),
    reasons: ['oom'],
    unknownOutcomes: false,
  },
  {
    name: 'MISCONF',
    inject: async (site) => {
      // A folder where the snapshot should be: the save fails for root, too.
      const snapshot = join(site.server.dir, 'dump.rdb');
      await rm(snapshot, { force: true, recursive: true });
      await mkdir(join(snapshot, 'blocked'), { recursive: true });
      await config(site, 'save', '3600 1');
      await site.server.admin().call('BGSAVE');
      await savedWith(site, 'err');
    },
    heal: async (site) => {
      await rm(join(site.server.dir, 'dump.rdb'), { recursive: true, force: true });
      await site.server.admin().call('BGSAVE');
      await savedWith(site, 'ok');
      await config(site, 'save', '');
    },
    reasons: ['misconf'],
    unknownOutcomes: false,
  },
  {
    name: 'NOPERM at run time',
    inject: async ({ server }) => void (await server.admin().call('ACL', 'SETUSER', 'app', '-set')),
    heal: async ({ server }) => void (await server.admin().call('ACL', 'SETUSER', 'app', '+set')),
    reasons: ['noperm'],
    // A script is stopped at the command that it may not call, not before it.
    unknownOutcomes: true,
  },
  {
    name: 'LOADING',
    inject: async (site) => {
      await site.server.admin().call('DEBUG', 'POPULATE', '600', 'filler', '600');
      await config(site, 'key-load-delay', '3000');
      // Its answer comes when loading has ended.
      void withOwnConnection(site, (own) => own.call('DEBUG', 'RELOAD'));
    },
    heal: async (site) => {
      const loading = async () => /loading:(\d)/.exec(await site.server.admin().info('persistence'))?.[1];
      await waitFor(async () => (await loading()) === '0', { what: 'the end of loading', timeoutMs: 20_000 });
      await config(site, 'key-load-delay', '0');
    },
    reasons: ['timeout', 'reset', 'loading'],
    unknownOutcomes: true,
  },
  {
    name: 'BUSY',
    inject: async (site) => {
      void withOwnConnection(site, (own) => own.call('EVAL', 'while true do end', '0'));
    },
    heal: (site) =>
      withOwnConnection(site, async (own) => {
        const killed = () => own.call('SCRIPT', 'KILL').then(() => true);
        await waitFor(killed, { what: 'the end of the script' });
      }),
    reasons: ['timeout', 'busy'],
    unknownOutcomes: true,
  },
  {
    name: 'maxclients',
    inject: async (site) => {
      await site.server.admin().ping();
      await config(site, 'maxclients', '1');
      await killClients(site);
    },
    heal: async (site) => void (await config(site, 'maxclients', '1000')),
    reasons: ['reset', 'maxclients'],
    unknownOutcomes: true,
  },
  {
    name: 'password changed on the server',
    inject: async (site) => {
      await site.server.admin().call('ACL', 'SETUSER', 'app', 'resetpass', '>something-else');
      await killClients(site);
    },
    heal: async ({ server }) =>
      void (await server.admin().call('ACL', 'SETUSER', 'app', 'resetpass', `>${CANARY}`)),
    reasons: ['reset', 'auth'],
    unknownOutcomes: true,
  },
];

async function savedWith(site: Site, status: 'ok' | 'err'): Promise<void> {
  const said = async () =>
    (await site.server.admin().info('persistence')).includes(`rdb_last_bgsave_status:${status}`);
  await waitFor(said, { what: `a snapshot that ends with ${status}` });
}

/** A connection beside the administrator's, for a command that holds its own up. */
async function withOwnConnection(site: Site, use: (own: Redis) => Promise<unknown>): Promise<void> {
  const own = site.server.admin().duplicate({ enableReadyCheck: false, commandTimeout: 30_000 });
  own.on('error', () => undefined);
  await use(own).catch(() => undefined);
  own.disconnect();
}
