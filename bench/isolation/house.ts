import { Redis } from 'ioredis';
import type { Environment } from '../../src/config/index.js';
import { PURPOSES, type BuiltInPurpose } from '../../src/redis/index.js';
import { openCompartments } from '../../test/support/compartments.js';
import { type RedisServer, startRedisServer } from '../../test/support/redis-server.js';
import type { FloodOrder } from './flood-process.js';
import { loopsPerMs } from './flood.js';
import { Helper } from '../helper.js';
import type { LinkOrder } from './link-process.js';
import { type Observed, PURPOSE_NAMES } from './observer.js';

/** `own`: each purpose on a server of its own. `shared`: all on one, as with one REDIS_URL. */
export type Arrangement = 'own' | 'shared';

/** The servers of one arrangement, and the processes that do harm to them. */
export interface House {
  readonly arrangement: Arrangement;
  server(purpose: BuiltInPurpose): RedisServer;
  readonly link: Helper<LinkOrder>;
  readonly flood: Helper<FloodOrder>;
  /** Of a server that no purpose uses and nothing harms. */
  readonly control: Redis;
  close(): Promise<void>;
}

/** One application under observation, with a link that can be harmed in front of the affected server. */
export interface Scene extends Observed {
  readonly house: House;
  readonly affected: BuiltInPurpose;
  readonly loopsPerMs: number;
  close(): Promise<void>;
}

export async function openHouse(arrangement: Arrangement): Promise<House> {
  const count = arrangement === 'own' ? PURPOSE_NAMES.length : 1;
  const servers = await Promise.all(Array.from({ length: count }, () => startRedisServer()));
  const spare = await startRedisServer();
  const control = new Redis({ host: spare.host, port: spare.port });
  const link = Helper.start<LinkOrder>(new URL('./link-process.js', import.meta.url));
  const flood = Helper.start<FloodOrder>(new URL('./flood-process.js', import.meta.url));
  return {
    arrangement,
    server: (purpose) => servers[PURPOSE_NAMES.indexOf(purpose) % count] as RedisServer,
    link,
    flood,
    control,
    close: async () => {
      control.disconnect();
      await Promise.all([link.stop(), flood.stop()]);
      await Promise.all([spare, ...servers].map((server) => server.stop()));
    },
  };
}

/** On a shared server every purpose is behind the link, since there is only one; else the affected one only. */
export async function openScene(house: House, affected: BuiltInPurpose): Promise<Scene> {
  const server = house.server(affected);
  const port = Number(await house.link.tell({ open: server.port }));
  const behindLink = (purpose: BuiltInPurpose) => house.server(purpose) === server;
  const env: Environment = Object.fromEntries(
    PURPOSE_NAMES.map((purpose) => [
      `${PURPOSES[purpose].env}_URL`,
      house.server(purpose).url(behindLink(purpose) ? { port } : {}),
    ]),
  );
  const core = await openCompartments(PURPOSE_NAMES, env);
  // The flood of others does not pass this application's link.
  const url = { [`${PURPOSES[affected].env}_URL`]: server.url() };
  await house.flood.tell({ open: url, purpose: affected });
  return {
    house,
    affected,
    core,
    control: house.control,
    loopsPerMs: await loopsPerMs(core, affected),
    close: async () => {
      await core.close();
      await house.link.tell({ close: true });
    },
  };
}
