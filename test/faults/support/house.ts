import type { BuiltInPurpose } from '../../../src/redis/index.js';
import { PURPOSES, aclRule } from '../../../src/redis/index.js';
import { type Compartments, openCompartments } from '../../support/compartments.js';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../../support/tcp-proxy.js';

export const PURPOSE_NAMES = Object.keys(PURPOSES) as BuiltInPurpose[];

/** A password that no output may ever contain. */
export const CANARY = 'canary-p4ssw0rd-7f3a';

export interface Site {
  readonly purpose: BuiltInPurpose;
  readonly server: RedisServer;
  readonly proxy: TcpProxy;
}

/** Four servers with generated ACL users, each behind a proxy, and the core connected to all of them. */
export interface FaultHouse {
  readonly sites: Readonly<Record<BuiltInPurpose, Site>>;
  readonly core: Compartments;
  /** Of the ACL user `app` on every server. */
  readonly password: string;
  close(): Promise<void>;
}

export async function openFaultHouse(): Promise<FaultHouse> {
  const sites = await Promise.all(PURPOSE_NAMES.map(startSite));
  const env = Object.fromEntries(
    sites.map(({ purpose, proxy, server }) => [
      `${PURPOSES[purpose].env}_URL`,
      server.url({ port: proxy.port, username: 'app', password: CANARY }),
    ]),
  );
  const core = await openCompartments(PURPOSE_NAMES, env);
  return {
    sites: Object.fromEntries(sites.map((site) => [site.purpose, site])) as Record<BuiltInPurpose, Site>,
    core,
    password: CANARY,
    close: async () => {
      await core.close();
      await Promise.all(sites.map(async ({ proxy, server }) => Promise.all([proxy.stop(), server.stop()])));
    },
  };
}

async function startSite(purpose: BuiltInPurpose): Promise<Site> {
  const rule = aclRule({ user: 'app', definition: PURPOSES[purpose], db: 0 }).replace(
    '>PASSWORD',
    `>${CANARY}`,
  );
  const server = await startRedisServer({
    acl: ['user default off', rule],
    // Survives kill -9 of the process, and the disk of a shared machine does not slow the calls.
    appendonly: true,
    appendfsync: 'no',
    extraArgs: [
      '--busy-reply-threshold',
      '50',
      '--enable-debug-command',
      'yes',
      '--loading-process-events-interval-bytes',
      '1024',
    ],
  });
  return { purpose, server, proxy: await startTcpProxy({ targetPort: server.port }) };
}
