import { afterEach, expect, it } from 'vitest';
import { PURPOSES, aclRule } from '../../src/redis/index.js';
import { ReplayStateLostError, ReplayedNonceError } from '../../src/security-tokens/index.js';
import { SKEW_MS, held, noncesOn, openPurpose, passTime, tokensOn } from '../contract/security-tokens.rig.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, type RedisServerOptions, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

/** What only a real server does: restart, fail over, evict, be full, judge rights. */
describeReal('Security tokens on a server that loses its memory', () => {
  const servers: RedisServer[] = [];
  const opened: Compartments[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((compartments) => compartments.close()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function server(options: RedisServerOptions = {}): Promise<RedisServer> {
    // A replica is served at once, not with others that might come.
    const started = await startRedisServer({ configLines: ['repl-diskless-sync-delay 0'], ...options });
    servers.push(started);
    return started;
  }

  async function on(running: RedisServer, open = openPurpose) {
    const compartments = await open(running.port);
    opened.push(compartments);
    const redis = compartments.client('securityTokens');
    const up = () =>
      waitFor(() => compartments.status.of('securityTokens').state === 'up', {
        what: 'the compartment to be up',
      });
    return { ...tokensOn(redis), nonces: noncesOn(redis).nonces, up };
  }

  const windowNow = () => ({ issuedAtMs: Date.now(), expiresAtMs: Date.now() + 300_000 });

  /** A guard whose first request is let in at once. */
  async function prepared(running: RedisServer) {
    const guard = await on(running);
    await guard.nonces.prepare('key');
    await passTime(running.admin(), SKEW_MS);
    return guard;
  }

  const RESTARTS: Readonly<Record<string, (running: RedisServer) => Promise<void>>> = {
    'in order': (running) => running.restart(),
    'after kill -9': async (running) => {
      await running.kill9();
      await running.start();
    },
  };

  for (const [how, restart] of Object.entries(RESTARTS)) {
    for (const appendonly of [false, true]) {
      const disk = appendonly ? 'with its disk' : 'without a disk';
      it(`refuses what was signed before a restart ${how}, ${disk}`, async () => {
        const running = await server({ appendonly, ...(appendonly ? { appendfsync: 'always' } : {}) });
        const { nonces, up } = await prepared(running);
        const window = windowNow();
        await nonces.use('key', 'n', window);
        await restart(running);
        await waitFor(() => nonces.prepare('key').catch(() => undefined), { what: 'the server to be back' });
        await up();
        await expect(nonces.use('key', 'n', window)).rejects.toBeInstanceOf(ReplayStateLostError);
        await passTime(running.admin(), SKEW_MS);
        await nonces.use('key', 'n2', windowNow());
      });
    }
  }

  it('refuses what was signed before a fail-over to a replica that lagged behind', async () => {
    const primary = await server();
    const replica = await server();
    const guard = await prepared(primary);
    await replica.admin().replicaof('127.0.0.1', primary.port);
    const has = async (name: string) => (await held(replica.admin())).some(({ key }) => key.endsWith(name));
    await waitFor(() => has(':birth'), { what: 'the replica to have the birth' });
    // Promoted before the nonce reaches it.
    await replica.admin().replicaof('NO', 'ONE');
    const window = windowNow();
    // Its first replica has given the primary a new replication id, so that it is not trusted either for a while.
    await expect(guard.nonces.use('key', 'n', window)).rejects.toBeInstanceOf(ReplayStateLostError);
    await passTime(primary.admin(), SKEW_MS);
    const later = windowNow();
    await guard.nonces.use('key', 'n', later);
    expect(await has(':seen')).toBe(false);
    const promoted = await on(replica);
    await expect(promoted.nonces.use('key', 'n', later)).rejects.toBeInstanceOf(ReplayStateLostError);
  });

  it('refuses what was signed before a primary was demoted and promoted again', async () => {
    const [primary, other] = [await server(), await server()];
    const { nonces, up } = await prepared(primary);
    const window = windowNow();
    await nonces.use('key', 'n', window);
    // The data of the other one replaces its own; put back are all keys but the nonces. Its process is the same.
    const births = await primary.admin().hgetall((await held(primary.admin()))[0]?.key ?? '');
    const name = (await held(primary.admin()))[0]?.key ?? '';
    await primary.admin().replicaof('127.0.0.1', other.port);
    await waitFor(async () => (await held(primary.admin())).length === 0, {
      what: 'the data to be replaced',
    });
    await primary.admin().replicaof('NO', 'ONE');
    await primary.admin().hset(name, { ...births, until: '0' });
    await up();
    await waitFor(() => nonces.prepare('another').catch(() => undefined), {
      what: 'the server to take writes',
    });
    await expect(nonces.use('key', 'n', window)).rejects.toBeInstanceOf(ReplayStateLostError);
  });

  it.each(['volatile-lru', 'allkeys-lru'])(
    'refuses what was signed before an eviction (%s)',
    async (policy) => {
      const running = await server({ maxmemory: '3mb', maxmemoryPolicy: policy });
      const { nonces } = await prepared(running);
      const window = windowNow();
      await nonces.use('key', 'n', window);
      const filler = 'x'.repeat(10_000);
      const admin = running.admin();
      const gone = async () => !(await held(admin)).some(({ key }) => key.endsWith(':seen'));
      for (let n = 0; n < 5000 && !(await gone()); n += 1) await admin.set(`filler:${n}`, filler, 'EX', 3600);
      expect(await gone()).toBe(true);
      await expect(nonces.use('key', 'n', window)).rejects.toBeInstanceOf(ReplayStateLostError);
    },
  );

  it('a server that is full takes no token and no nonce, and forgets none', async () => {
    const running = await server({ maxmemoryPolicy: 'noeviction' });
    const { nonces, tokens } = await prepared(running);
    const { token } = await tokens.issue('passwordReset', { subject: 'u1' });
    const window = windowNow();
    await nonces.use('key', 'n', window);
    await running.admin().config('SET', 'maxmemory', '1');
    const full = { purpose: 'securityTokens', reason: 'oom', status: 503 };
    await expect(nonces.use('key', 'n2', window)).rejects.toMatchObject(full);
    await expect(tokens.claim('passwordReset', token)).rejects.toMatchObject(full);
    await expect(tokens.issue('passwordReset', { subject: 'u2' })).rejects.toMatchObject(full);
    await running.admin().config('SET', 'maxmemory', '0');
    await expect(nonces.use('key', 'n', window)).rejects.toBeInstanceOf(ReplayedNonceError);
    await nonces.use('key', 'n2', window);
    await tokens.use('passwordReset', token, async () => undefined);
  });

  it('a token survives a restart with its disk, and one that was used stays used', async () => {
    const running = await server({ appendonly: true, appendfsync: 'always' });
    const { tokens, up } = await on(running);
    const [kept, used] = await Promise.all(
      ['u1', 'u2'].map((subject) => tokens.issue('passwordReset', { subject })),
    );
    await tokens.use('passwordReset', used?.token, async () => undefined);
    const claim = await tokens.claim('passwordReset', kept?.token);
    await running.kill9();
    await running.start();
    await waitFor(
      () =>
        tokens.release(claim).then(
          () => true,
          () => false,
        ),
      { what: 'the server to be back' },
    );
    await up();
    await tokens.claim('passwordReset', kept?.token);
    await expect(tokens.claim('passwordReset', used?.token)).rejects.toMatchObject({ status: 400 });
  });

  it('the user that `redis acl` prints may do all of it, and nothing beyond its namespace', async () => {
    const rule = aclRule({ user: 'st-app', definition: PURPOSES.securityTokens, db: 0 });
    const running = await server({ acl: [rule.replace('>PASSWORD', '>a-password-of-the-test')] });
    const { tokens, nonces } = await on(running, (port) =>
      openCompartments(['securityTokens'], {
        SECURITY_TOKEN_REDIS_URL: `redis://127.0.0.1:${port}`,
        SECURITY_TOKEN_REDIS_USERNAME: 'st-app',
        SECURITY_TOKEN_REDIS_PASSWORD: 'a-password-of-the-test',
      }),
    );
    const { token } = await tokens.issue('streamTicket', { subject: 's1' });
    await tokens.release(await tokens.claim('streamTicket', token));
    await tokens.use('streamTicket', token, () => tokens.revoke('streamTicket', 's2'));
    await nonces.prepare('key');
    await passTime(running.admin(), SKEW_MS);
    await nonces.use('key', 'n', windowNow());
    await expect(nonces.use('key', 'n', windowNow())).rejects.toBeInstanceOf(ReplayedNonceError);
    const birth = (await held(running.admin())).find(({ key }) => key.endsWith(':birth'))?.text ?? '';
    // The server says who it is to this user, too.
    expect(birth).toMatch(/"server":"[0-9a-f]{40}:[0-9a-f]{40}"/);
  });
});
