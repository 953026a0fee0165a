import { type BuiltInPurpose, PURPOSES, aclRule } from '../../../src/redis/index.js';
import type { TestCertificates } from '../../support/certificates.js';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../../support/tcp-proxy.js';

/** A password that no output may ever contain. */
export const CANARY = 'canary-p4ssw0rd-7f3a';

/** One purpose's server and the network in front of it: where a fault happens. */
export interface Site {
  readonly purpose: BuiltInPurpose;
  readonly server: RedisServer;
  readonly proxy: TcpProxy;
  /** ACL user of the application on the server; its password is CANARY. */
  readonly user: string;
  /** Of a server that speaks TLS; it shows `certificates.server` unless a fault changes that. */
  readonly certificates?: TestCertificates;
}

/** What the faults need and a server takes from its command line only. */
const FAULT_ARGS = ['--enable-debug-command', 'yes', '--loading-process-events-interval-bytes', '1024'];

/**
 * Nobody can log in as the default user, who may yet do anything: in his name a server reads its append-only file, and
 * one of his commands that he may not do takes the whole transaction with it, or the whole script (redis/redis#14541).
 */
const NOBODY = 'user default off ~* &* +@all';

/** Starts a server that lets in the least-privilege user of the purpose only, and a proxy in front of it. */
export async function openSite({
  purpose,
  user,
  certificates,
}: Pick<Site, 'purpose' | 'user' | 'certificates'>): Promise<Site> {
  const server = await startRedisServer({
    acl: [NOBODY, applicationRule({ purpose, user })],
    ...(certificates ? { tls: { ...certificates.server, ca: certificates.ca } } : {}),
    // Survives kill -9 of the process, and the disk of a shared machine does not slow the calls.
    appendonly: true,
    appendfsync: 'no',
    extraArgs: FAULT_ARGS,
  });
  const proxy = await startTcpProxy({ targetPort: server.port });
  return { purpose, server, proxy, user, ...(certificates ? { certificates } : {}) };
}

export async function closeSite({ proxy, server }: Site): Promise<void> {
  await Promise.all([proxy.stop(), server.stop()]);
}

/** The line of an ACL file, as the application prints it and with the password filled in. */
export function applicationRule({ purpose, user }: Pick<Site, 'purpose' | 'user'>): string {
  return aclRule({ user, definition: PURPOSES[purpose], db: 0 }).replace('>PASSWORD', `>${CANARY}`);
}
