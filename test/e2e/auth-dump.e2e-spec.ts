import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keySlot } from '../../src/redis/key-slot.js';
import { freshDatabase } from '../support/postgres.js';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js';
import { describeReal } from '../support/redis-availability.js';
import type { RedisServer } from '../support/redis-server.js';
import { Canaries, type Haystack } from './auth/canaries.js';
import { DumpWalk } from './auth/dump-walk.js';
import { AuthHouse } from './auth/house.js';
import { Monitor } from './auth/monitor.js';
import { lasting, rowsOf, runSql, storedIn } from './auth/stored.js';
import { Receiver } from './status/receiver.js';

/**
 * What has no end: the birth of a key's nonces, the mirror of a user's epoch, and the log of billing, which is trimmed by
 * age and never expires as a whole.
 */
const MAY_LAST = [/^st:n:\{[\w-]+\}:birth$/, /^auth:\{[\w-]+\}:ep$/, /^billing:\{b\}:log$/];

/** Sessions, tokens and attempts lie on a cluster, so a script whose keys are in two slots would have failed as well. */
describeReal('Redis, SQL and logs after everything was used once', () => {
  const canaries = new Canaries();
  const monitors: Monitor[] = [];
  let databaseUrl: string;
  let cluster: RedisCluster;
  let house: AuthHouse;
  let receiver: Receiver;
  let servers: ReadonlyMap<string, RedisServer>;
  let walk: DumpWalk;

  beforeAll(async () => {
    [cluster, databaseUrl, receiver] = await Promise.all([
      startRedisCluster(),
      freshDatabase(),
      Receiver.start(),
    ]);
    house = await AuthHouse.open({
      separate: true,
      databaseUrl,
      env: {
        ...onCluster('AUTH_CACHE_REDIS'),
        ...onCluster('SECURITY_TOKEN_REDIS'),
        STATUS_WEBHOOK_ALLOW_LOOPBACK: 'true',
        AUTH_REFRESH_GRACE_MS: '0',
      },
    });
    servers = new Map([
      ...cluster.nodes.map(({ server }, at) => [`cluster node ${at + 1}`, server] as const),
      ['rateLimit', house.redis('RATE_LIMIT')],
      ['billingEvents', house.redis('BILLING_EVENTS')],
    ]);
    for (const { port } of servers.values()) monitors.push(await Monitor.of(port));
    walk = new DumpWalk(house, receiver, canaries);
    await walk.run();
  });
  afterAll(async () => {
    for (const monitor of monitors) monitor.stop();
    await house.close();
    await receiver.stop();
    await cluster.stop();
  });

  function onCluster(stem: string): Record<string, string> {
    const [first, ...others] = cluster.nodes;
    return {
      [`${stem}_URL`]: `redis://127.0.0.1:${first?.port}`,
      [`${stem}_TOPOLOGY`]: 'cluster',
      [`${stem}_NODES`]: others.map(({ port }) => `127.0.0.1:${port}`).join(','),
      [`${stem}_WAIT_REPLICAS`]: '0',
    };
  }

  const stored = async (): Promise<Haystack[]> =>
    (await Promise.all([...servers].map(([name, server]) => storedIn(name, server)))).flat();
  const heard = (): Haystack[] => monitors.map(({ bytes }, at) => ({ name: `MONITOR ${at + 1}`, bytes }));
  const logged = (): Haystack => ({ name: 'the log', bytes: Buffer.from(house.lines.join('\n')) });

  it('have no password, token, address of anybody or name of a browser in Redis, MONITOR and logs', async () => {
    const haystacks = [...(await stored()), ...heard(), logged()];
    expect(canaries.search(haystacks)).toEqual([]);
    const bytes = haystacks.reduce((sum, one) => sum + one.bytes.length, 0);
    process.stdout.write(
      `Dump audit: ${walk.steps.length} steps, ${canaries.list().length} canaries, ` +
        `${haystacks.length} haystacks of ${bytes} bytes, 0 findings\n`,
    );
    // Not for want of canaries, or of anything to look at.
    expect(canaries.list('secrets').length).toBeGreaterThan(50);
    for (const haystack of haystacks) expect([haystack.name, haystack.bytes.length]).not.toContain(0);
    for (const name of ['cluster node 1', 'cluster node 2', 'cluster node 3']) {
      const keys = haystacks.find((one) => one.name === `the keys of ${name}`);
      expect(keys?.bytes.toString()).toMatch(/^(?:auth|st):\{/m);
    }
  });

  it('have no password and no token in SQL', async () => {
    const sql = await rowsOf(databaseUrl);
    expect(canaries.search([sql], 'secrets')).toEqual([]);
    // It is the record of addresses, so it would show a secret just as well.
    expect(canaries.search([sql])).toContain('e-mail in SQL (as it is)');
  });

  it('keep nothing in Redis for good but births of nonces, epochs and the log of billing', async () => {
    const all = await Promise.all([...servers.values()].map((server) => lasting(server.admin())));
    const names = all.flat();
    expect(names.filter((name) => !MAY_LAST.some((pattern) => pattern.test(name)))).toEqual([]);
    // Both kinds are there, so the patterns are of names that exist.
    for (const pattern of MAY_LAST) expect(names.some((name) => pattern.test(name))).toBe(true);
  });

  it('were reached by scripts all of whose keys are in one slot', () => {
    const calls = monitors.flatMap((monitor) => monitor.scriptKeys());
    const several = calls.filter((keys) => keys.length > 1);
    expect(calls.length).toBeGreaterThan(50);
    expect(several.length).toBeGreaterThan(0);
    expect(calls.filter((keys) => new Set(keys.map(keySlot)).size !== 1)).toEqual([]);
  });

  it('would show what was written anywhere, in any form', async () => {
    const [secret] = canaries.list('secrets');
    const text = secret?.text ?? '';
    const forms: [string, string][] = [
      ['as it is', text],
      ['hex', Buffer.from(text).toString('hex')],
      ['base64 +1', Buffer.from(`-${text}`).toString('base64')],
      ['percent', encodeURIComponent(text)],
    ];
    const name = secret?.name ?? '';
    for (const [form, written] of forms) {
      const planted = await plant(written);
      const found = canaries.search([...(await stored()), ...heard(), logged(), await rowsOf(databaseUrl)]);
      for (const place of planted) expect(found).toContain(`${name} in ${place} (${form})`);
      // Bytes are written in hex there.
      const inSql = found.some((one) => one.startsWith(`${name} in SQL`));
      expect([form, inSql]).toEqual([form, form === 'as it is']);
    }
  });

  /** @returns where it was planted */
  async function plant(written: string): Promise<string[]> {
    const [place = '', server] = [...servers].at(-1) ?? [];
    await server?.admin().hset('billing:planted', written, 'x');
    new Logger('Audit').log('planted', { note: written });
    await runSql(databaseUrl, 'create table if not exists planted (note bytea)');
    await runSql(databaseUrl, 'truncate planted');
    await runSql(databaseUrl, 'insert into planted values ($1)', [Buffer.from(written)]);
    return [`the snapshot of ${place}`, `the keys of ${place}`, `MONITOR ${monitors.length}`, 'the log'];
  }
});
