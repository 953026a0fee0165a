import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server.js';
import { type RedisServer, startRedisServer } from '../../test/support/redis-server.js';
import { MEASURED_CORE, SERVER_CORE, pin } from '../cores.js';
import { Helper } from '../helper.js';
import type { Address, Contestant } from './contestant.js';
import { Publisher } from './publisher.js';
import type { ContestantOrder } from './contestant-process.js';
import { SERVERS } from './servers.js';
import { Swarm } from './swarm.js';

/** One contestant: its process on the measured core, its log on a Redis of its own. */
export interface Running {
  readonly name: string;
  readonly server: Contestant;
  readonly pid: number;
  readonly address: Address;
  readonly billing: RedisServer;
  readonly publisher: Publisher;
  readonly webhookSecret: string;
  /** Whose events are published. */
  readonly tenantId: string;
  connect(clients: number): Promise<Swarm>;
  /** Resident memory when garbage has been collected, bytes. */
  settledRss(): Promise<number>;
  stop(): Promise<void>;
}

export async function startContestant(name: string): Promise<Running> {
  const server = SERVERS[name];
  if (!server) throw new Error(`There is no contestant ${name}`);
  // All processes of Redis and PostgreSQL, and those that PostgreSQL starts later, inherit the core.
  pin(process.pid, SERVER_CORE);
  const webhookSecret = `whsec_${randomBytes(24).toString('hex')}`;
  const billing = await startRedisServer();
  const other = await startRedisServer();
  const postgres: PostgresServer = await startPostgres();
  const helper = Helper.start<ContestantOrder>(new URL('./contestant-process.js', import.meta.url), {
    quiet: true,
  });
  pin(helper.pid, MEASURED_CORE);
  const address = (await helper.tell({
    open: name,
    ground: { billingUrl: billing.url(), redisUrl: other.url(), databaseUrl: postgres.url(), webhookSecret },
  })) as Address;
  const tenantId = address.tenantId ?? randomUUID();
  const publisher = await Publisher.open(billing.url(), tenantId);
  return {
    name,
    server,
    pid: helper.pid,
    address,
    billing,
    publisher,
    webhookSecret,
    tenantId,
    connect: (clients) => Swarm.connect(address, clients),
    settledRss: async () => (await helper.tell({ settle: true })) as number,
    stop: async () => {
      await publisher.close();
      await helper.stop();
      await Promise.all([billing.stop(), other.stop(), postgres.stop()]);
    },
  };
}

/** Highest resident memory since the last call, bytes. */
export function takePeakRss(pid: number): number {
  const [, kilobytes = '0'] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return Number(kilobytes) * 1024;
}
