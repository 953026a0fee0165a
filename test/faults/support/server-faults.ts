import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../support/wait-for.js';
import type { FaultRow } from './fault-row.js';
import { configure, killClients, readInfo, withOwnConnection } from './site-admin.js';
import type { Site } from './site.js';

/** How long a server is away that nobody can bring back before its time. */
const AWAY_MS = 2_500;
const LOAD_DELAY_US = 3_000;

/** What can happen to a server that answers nothing, not yet, or not everybody; and what it may lose unseen. */
export const SERVER_FAULTS: readonly FaultRow[] = [
  {
    name: 'killed and restarted',
    family: 'server',
    effect: 'lost',
    inject: ({ server }) => server.kill9(),
    heal: ({ server }) => server.restart(),
    reasons: ['reset', 'timeout', 'loading'],
    unknownOutcomes: true,
  },
  {
    name: 'killed and restarted without its disk',
    family: 'server',
    effect: 'lost',
    inject: async (site) => {
      await site.server.kill9();
      await wipeData(site);
    },
    heal: ({ server }) => server.restart(),
    reasons: ['reset', 'timeout'],
    unknownOutcomes: true,
    forgets: true,
  },
  {
    name: 'frozen by SIGSTOP',
    family: 'server',
    effect: 'lost',
    inject: ({ server }) => server.freeze(),
    heal: async ({ server }) => server.thaw(),
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'CLIENT PAUSE ALL',
    family: 'server',
    effect: 'lost',
    inject: async ({ server }) => void (await server.admin().call('CLIENT', 'PAUSE', AWAY_MS, 'ALL')),
    // The administrator is paused as well, and so is CLIENT UNPAUSE.
    heal: async ({ server }) =>
      void (await waitFor(() => server.admin().ping(), { what: 'the end of the pause' })),
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'CLIENT PAUSE WRITE',
    family: 'server',
    effect: 'lost',
    inject: async ({ server }) => void (await server.admin().call('CLIENT', 'PAUSE', 60_000, 'WRITE')),
    heal: async ({ server }) => void (await server.admin().call('CLIENT', 'UNPAUSE')),
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'LOADING',
    family: 'server',
    effect: 'lost',
    inject: async (site) => {
      const keys = Math.ceil((AWAY_MS * 1_000) / LOAD_DELAY_US);
      await site.server.admin().call('DEBUG', 'POPULATE', keys, 'filler', 600);
      await configure(site, { 'key-load-delay': String(LOAD_DELAY_US) });
      // Its answer comes when loading has ended.
      void withOwnConnection(site, (own) => own.call('DEBUG', 'RELOAD'));
      await waitFor(async () => (await readInfo(site, 'loading')) === '1', { what: 'the server to load' });
    },
    heal: async (site) => {
      await waitFor(async () => (await readInfo(site, 'loading')) === '0', {
        what: 'the end of loading',
        timeoutMs: 20_000,
      });
      await configure(site, { 'key-load-delay': '0' });
    },
    reasons: ['timeout', 'loading'],
    unknownOutcomes: true,
  },
  {
    name: 'BUSY',
    family: 'server',
    effect: 'lost',
    inject: async (site) => {
      await configure(site, { 'busy-reply-threshold': '50' });
      void withOwnConnection(site, (own) => own.call('EVAL', 'while true do end', '0'));
      await waitFor(() => saysBusy(site), { what: 'the script to hold the server up' });
    },
    heal: async (site) => {
      await site.server.admin().call('SCRIPT', 'KILL');
      await waitFor(async () => !(await saysBusy(site)), { what: 'the end of the script' });
      await configure(site, { 'busy-reply-threshold': '5000' });
    },
    reasons: ['timeout', 'busy'],
    unknownOutcomes: true,
  },
  {
    name: 'maxclients',
    family: 'server',
    effect: 'lost',
    inject: async (site) => {
      await site.server.admin().ping();
      await configure(site, { maxclients: '1' });
      await killClients(site);
    },
    heal: (site) => configure(site, { maxclients: '1000' }),
    // Under TLS the server hangs up before it could say why.
    reasons: ['reset', 'maxclients'],
    unknownOutcomes: true,
  },
  {
    name: 'SCRIPT FLUSH under load',
    family: 'server',
    effect: 'unnoticed',
    inject: async (site) => {
      const flush = () => site.server.admin().script('FLUSH');
      await flush();
      flushes.set(
        site,
        setInterval(() => void flush().catch(() => undefined), 10),
      );
    },
    heal: async (site) => clearInterval(flushes.get(site)),
    reasons: [],
    unknownOutcomes: false,
  },
  {
    name: 'FLUSHALL',
    family: 'server',
    effect: 'unnoticed',
    inject: async ({ server }) => void (await server.admin().flushall()),
    heal: async () => undefined,
    reasons: [],
    unknownOutcomes: false,
    forgets: true,
  },
];

const flushes = new WeakMap<Site, NodeJS.Timeout>();

/** Everything but what the server is started with. */
async function wipeData({ server: { dir } }: Site): Promise<void> {
  const kept: readonly string[] = ['redis.conf', 'users.acl'];
  const data = (await readdir(dir)).filter((name) => !kept.includes(name));
  await Promise.all(data.map((name) => rm(join(dir, name), { recursive: true })));
}

function saysBusy({ server }: Site): Promise<boolean> {
  return server
    .admin()
    .ping()
    .then(
      () => false,
      (error: Error) => error.message.startsWith('BUSY'),
    );
}
