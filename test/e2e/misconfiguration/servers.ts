import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PURPOSES, aclRule } from '../../../src/redis/index.js';
import {
  type CertificateFiles,
  createAuthority,
  createTestCertificates,
} from '../../support/certificates.js';
import type { TestCertificates } from '../../support/certificates.js';
import { freePort } from '../../support/free-port.js';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';

/** Every secret of these tests contains this word, so that one search finds any leak. */
export const CANARY = /can[a\W]?ary|c4n4ry/i;

export const passwordOf = (user: string): string => `canary-of-${user}-7Qz`;

type Name =
  'plain' | 'guarded' | 'open' | 'noAof' | 'evicting' | 'replica' | 'expired' | 'wrongHost' | 'mutual';

const FILES = ['notPem', 'cutPem', 'empty', 'folder', 'lineBreak', 'url', 'urlLineBreak', 'missing'] as const;

/** What the table is driven against. Started once; rows tell their faults apart by user, port and file. */
export interface Servers extends Readonly<Record<Name, RedisServer>> {
  readonly certificates: TestCertificates;
  /** A client certificate of an authority that the servers do not know. */
  readonly strangerClient: CertificateFiles;
  readonly httpPort: number;
  readonly refusedPort: number;
  readonly blackHole: TcpProxy;
  readonly files: Readonly<Record<(typeof FILES)[number], string>>;
  /** Waits until no connection but the tests' own and replication is left on any server. */
  nothingLeftConnected(): Promise<void>;
  stop(): Promise<void>;
}

const rule = (purpose: keyof typeof PURPOSES, user: string): string =>
  aclRule({ user, definition: PURPOSES[purpose], db: 0 }).replace('>PASSWORD', `>${passwordOf(user)}`);

const without = (user: string, ...rights: readonly string[]): string =>
  rule('rateLimit', user)
    .split(' ')
    .filter((word) => !rights.includes(word))
    .join(' ');

const USERS = [
  'user default off',
  ...(Object.keys(PURPOSES) as (keyof typeof PURPOSES)[]).map((purpose) => rule(purpose, purpose)),
  without('lacks-commands', '+zadd', '+evalsha'),
  without('lacks-info', '+info'),
  without('lacks-client-info', '+client|info'),
  without('lacks-setname', '+client|setname'),
  without('lacks-multi', '+multi'),
  rule('rateLimit', 'other-keys').replace('~rl:*', '~other:*'),
  rule('rateLimit', 'disabled').replace(' on ', ' off '),
  rule('rateLimit', 'lax').replace(/>\S+/, 'nopass'),
];

export async function startServers(): Promise<Servers> {
  const certificates = await createTestCertificates();
  const { ca, server, expired, wrongHost, dir } = certificates;
  const stranger = await createAuthority(dir, 'stranger');
  const tls = { ...server, ca };
  const redis = {
    plain: await startRedisServer({ databases: 1 }),
    guarded: await startRedisServer({ tls, plainPort: true, acl: USERS, appendonly: true }),
    open: await startRedisServer({
      tls,
      acl: ['user default on nopass ~* &* +@all', rule('authCache', 'authCache')],
    }),
    noAof: await startRedisServer({ tls, requirepass: passwordOf('default') }),
    evicting: await startRedisServer({
      tls,
      requirepass: passwordOf('default'),
      maxmemoryPolicy: 'allkeys-lru',
    }),
    expired: await startRedisServer({ tls: { ...expired, ca } }),
    wrongHost: await startRedisServer({ tls: { ...wrongHost, ca } }),
    mutual: await startRedisServer({ tls: { ...tls, requireClientCert: true } }),
  };
  const replica = await startRedisServer({
    extraArgs: ['--replicaof', '127.0.0.1', String(redis.plain.port)],
  });
  const all = [...Object.values(redis), replica];
  const http = await startHttp();
  // Towards none of the servers: a black hole also keeps the end of a connection from the other side.
  const blackHole = await startTcpProxy({ targetPort: (http.address() as AddressInfo).port });
  await blackHole.blackHole();
  return {
    ...redis,
    replica,
    certificates,
    strangerClient: await stranger.issue('stranger-client', { commonName: 'stranger', usage: 'client' }),
    httpPort: (http.address() as AddressInfo).port,
    refusedPort: await freePort(),
    blackHole,
    files: writeFiles(dir, redis.plain.url(), readFileSync(ca, 'utf8')),
    nothingLeftConnected: () => nothingLeftConnected(all),
    stop: async () => {
      http.closeAllConnections();
      http.close();
      await Promise.all([blackHole.stop(), ...all.map((one) => one.stop())]);
    },
  };
}

/** Waits until the tests' own connections, those of Sentinels and replication are the only ones. */
export async function nothingLeftConnected(servers: readonly RedisServer[]): Promise<void> {
  const strangers = async (server: RedisServer): Promise<string[]> => {
    const list = String(await server.admin().client('LIST'));
    return list
      .split('\n')
      .filter((line) => line !== '' && !/name=(test-admin|sentinel-)|flags=[SM]/.test(line));
  };
  await waitFor(async () => (await Promise.all(servers.map(strangers))).flat().length === 0, {
    what: 'every connection of the application to be closed',
  });
}

/** Answers anything that is not HTTP with 400 and closes, as a web server on the wrong port does. */
async function startHttp(): Promise<Server> {
  const server = createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function writeFiles(dir: string, url: string, pem: string): Servers['files'] {
  const write = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    notPem: write('not.pem', 'canary: this is no certificate\n'),
    cutPem: write('cut.pem', pem + pem.slice(0, pem.length / 2)),
    empty: write('empty', ''),
    folder: dir,
    lineBreak: write('line-break', 'canary\n'),
    url: write('url', url),
    urlLineBreak: write('url-line-break', `${url}\n`),
    missing: join(dir, 'missing'),
  };
}
