import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../support/wait-for.js';
import type { FaultRow } from './fault-row.js';
import { configure, readInfo } from './site-admin.js';
import type { Site } from './site.js';

/** A server that answers every PING and takes no write. */
export const WRITE_FAULTS: readonly FaultRow[] = [
  {
    name: 'READONLY',
    family: 'server',
    effect: 'lost',
    inject: async ({ server }) => void (await server.admin().call('REPLICAOF', '127.0.0.1', '1')),
    heal: async ({ server }) => void (await server.admin().call('REPLICAOF', 'NO', 'ONE')),
    reasons: ['readonly'],
    // The connection is replaced, in case the name now leads to another server.
    unknownOutcomes: true,
  },
  {
    name: 'NOREPLICAS',
    family: 'server',
    effect: 'lost',
    inject: (site) => configure(site, { 'min-replicas-to-write': '1' }),
    heal: (site) => configure(site, { 'min-replicas-to-write': '0' }),
    reasons: ['noreplicas'],
    unknownOutcomes: false,
  },
  {
    name: 'OOM',
    family: 'server',
    effect: 'lost',
    inject: (site) => configure(site, { maxmemory: '1' }),
    heal: (site) => configure(site, { maxmemory: '0' }),
    reasons: ['oom'],
    unknownOutcomes: false,
  },
  {
    name: 'MISCONF',
    family: 'server',
    effect: 'lost',
    inject: async (site) => {
      // A folder where the snapshot should be: the save fails for root, too.
      await rm(snapshot(site), { force: true, recursive: true });
      await mkdir(join(snapshot(site), 'blocked'), { recursive: true });
      await configure(site, { save: '3600 1' });
      await saveWith(site, 'err');
    },
    heal: async (site) => {
      await rm(snapshot(site), { recursive: true, force: true });
      await saveWith(site, 'ok');
      await configure(site, { save: '' });
    },
    reasons: ['misconf'],
    unknownOutcomes: false,
  },
];

const snapshot = ({ server }: Site) => join(server.dir, 'dump.rdb');

async function saveWith(site: Site, status: 'ok' | 'err'): Promise<void> {
  await site.server.admin().call('BGSAVE');
  await waitFor(async () => (await readInfo(site, 'rdb_last_bgsave_status')) === status, {
    what: `a snapshot that ends with ${status}`,
  });
}
