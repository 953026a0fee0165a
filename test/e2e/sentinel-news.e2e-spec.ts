import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Secret } from '../../src/kernel/redact.js';
import { systemClock } from '../../src/kernel/time.js';
import { sentinelAclRule } from '../../src/redis/index.js';
import { LiveAccess } from '../../src/redis/live-access.js';
import { Scout } from '../../src/redis/topology/scout.js';
import { WATCHED_CHANNELS } from '../../src/redis/topology/sentinel-watch.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type SentinelTrio, startSentinelTrio } from '../support/sentinel-trio.js';
import { waitFor } from '../support/wait-for.js';

const PASSWORD = 'canary-news-5Lm';
const CHANNELS = WATCHED_CHANNELS.map((channel) => `&${channel}`);

describeReal('The announcements of Sentinels', () => {
  let trio: SentinelTrio;
  let core: Compartments | undefined;
  const scouts: Scout[] = [];

  beforeAll(async () => {
    const rule = sentinelAclRule('watcher').replace('>PASSWORD', `>${PASSWORD}`);
    trio = await startSentinelTrio({ sentinelAuth: { acl: ['user default off', rule] } });
  });
  afterEach(async () => {
    for (const scout of scouts.splice(0)) scout.close();
    await core?.close();
    core = undefined;
  });
  afterAll(() => trio?.stop());

  async function grant(...rights: string[]): Promise<void> {
    for (const { admin } of sentinels()) await admin().call('ACL', 'SETUSER', 'watcher', ...rights);
  }

  function sentinels() {
    return trio.sentinels.map((sentinel) => ({ admin: () => sentinel.admin(), port: sentinel.port }));
  }

  async function subscribed(index: number): Promise<Scout> {
    const { host, port } = trio.sentinels[index] as SentinelTrio['sentinels'][number];
    const access = new LiveAccess({ username: 'watcher', password: new Secret(PASSWORD) }, {});
    const scout = new Scout({
      address: { host, port },
      tls: false,
      access,
      timeoutMs: 2000,
      clock: systemClock,
    });
    scouts.push(scout);
    await scout.connect();
    await scout.subscribe(
      WATCHED_CHANNELS,
      () => undefined,
      () => undefined,
    );
    return scout;
  }

  it('come on a connection that is asked for a sign of life with no more than the rule grants', async () => {
    const scout = await subscribed(0);
    expect(await scout.ask('PING')).toEqual(['pong', '']);
    expect(await scout.ask('PING')).toEqual(['pong', '']);
  });

  it('are known not to come from a Sentinel that hangs', async () => {
    const sentinel = trio.sentinels[1] as SentinelTrio['sentinels'][number];
    const scout = await subscribed(1);
    await sentinel.freeze();
    try {
      await expect(scout.ask('PING')).rejects.toMatchObject({ name: 'HandshakeError', reason: 'timeout' });
    } finally {
      sentinel.thaw();
    }
  });

  it('that are refused show in the status, until they are granted', async () => {
    await grant('resetchannels');
    const [first, ...others] = trio.sentinels.map(({ port }) => `127.0.0.1:${port}`);
    core = await openCompartments(['authCache'], {
      AUTH_CACHE_REDIS_URL: `redis://${first}`,
      AUTH_CACHE_REDIS_NODES: others.join(','),
      AUTH_CACHE_REDIS_TOPOLOGY: 'sentinel',
      AUTH_CACHE_REDIS_SENTINEL_NAME: trio.masterName,
      AUTH_CACHE_REDIS_SENTINEL_USERNAME: 'watcher',
      AUTH_CACHE_REDIS_SENTINEL_PASSWORD: PASSWORD,
    });
    const status = core.status;
    const said = () => status.of('authCache').proofs.find(({ fact }) => fact === 'sentinels');
    const unheard = /the announcements of 3 of 3 Sentinels are not heard: .*grants no SUBSCRIBE/;
    await waitFor(() => unheard.test(said()?.detail ?? ''), { what: 'all three to be unheard' });
    expect(said()?.verdict).toBe('contradicted');
    expect(status.of('authCache').state).toBe('up');
    await grant(...CHANNELS);
    await waitFor(() => said()?.verdict === 'proven', { what: 'all three to be heard', timeoutMs: 15_000 });
  });
});
