import { afterEach, beforeEach, expect, it } from 'vitest';
import { type IssuedRefreshToken } from '../../src/auth/refresh/rotation.js';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { AuthRig, SESSION, USER } from '../contract/auth.rig.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';

const OWNER = { id: USER, deviceEpoch: 1 };
const ANN = 'ann@example.org';
const HOME = '192.0.2.1';
const BUDGET_MS = 300;
/** That budget, and what a busy machine adds to it. */
const PROMPT_MS = BUDGET_MS + 700;

describeReal('Stores of the login while Redis is away', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let rig: AuthRig;
  beforeEach(async () => {
    server = await startRedisServer();
    proxy = await startTcpProxy({ targetPort: server.port });
    rig = await AuthRig.open(`redis://127.0.0.1:${proxy.port}`, {
      AUTH_CACHE_REDIS_COMMAND_MS: String(BUDGET_MS),
    });
  });
  afterEach(async () => {
    server.thaw();
    await proxy.pass();
    await rig.close();
    await proxy.stop();
    await server.stop();
  });

  const login = (): Promise<IssuedRefreshToken> =>
    rig.families.start({ familyId: rig.families.newId(), userId: USER, sessionId: SESSION });
  const generationIn = async ({ familyId }: { familyId: string }) =>
    server.admin().hget(`auth:{rf:${familyId}}`, 'generation');
  const isBack = () =>
    waitFor(() => rig.devices.isKnown(OWNER, knownToken).then(Boolean, () => false), {
      what: 'the compartment to answer again',
      timeoutMs: 10_000,
    });
  let knownToken = '';
  beforeEach(async () => {
    knownToken = (await rig.devices.remember(OWNER)).token;
  });

  const faults: Record<string, () => Promise<void>> = {
    refused: () => proxy.refuse(),
    'black-holed': () => proxy.blackHole(),
    'replies cut': () => proxy.dropReplies(),
    hung: () => server.freeze(),
    killed: () => server.kill9(),
    'read-only': async () => void (await server.admin().replicaof('127.0.0.1', 1)),
    'out of memory': async () => {
      await server.admin().config('SET', 'maxmemory', '1');
    },
  };

  it.each(Object.keys(faults))('%s: every call says so in time, and none is answered', async (name) => {
    const family = await login();
    const verdict = await rig.lockout.reserve({ accountKey: ANN });
    const reservation = await rig.login.reserve({ accountKey: ANN, address: HOME });
    const device = await rig.devices.remember(OWNER);
    await faults[name]?.();
    const writes: Record<string, () => Promise<unknown>> = {
      'login.reserve': () => rig.login.reserve({ accountKey: ANN, address: HOME }),
      'login.refund': () => reservation.refund(),
      'flows.spendFor': () => rig.begin('reset', { account: ANN, ip: HOME }),
      'lockout.reserve': () => rig.lockout.reserve({ accountKey: ANN }),
      'lockout.unasked': () => rig.lockout.unasked(ANN, verdict),
      'devices.remember': () => rig.devices.remember(OWNER),
      'families.start': login,
      'families.rotate': () => rig.families.rotate(family.token),
      'families.confirm': () => rig.families.confirm(family.familyId, 0),
    };
    const frees: Record<string, () => Promise<unknown>> = {
      'lockout.succeeded': () => rig.lockout.succeeded(ANN, verdict),
      'lockout.unlock': () => rig.lockout.unlock(ANN),
      'devices.forget': () => rig.devices.forget(OWNER, device.deviceId),
      'families.revoke': () => rig.families.revoke(family.familyId),
    };
    const reads: Record<string, () => Promise<unknown>> = {
      'devices.isKnown': () => rig.devices.isKnown(OWNER, device.token),
      'families.ownerOf': () => rig.families.ownerOf(family.token),
    };
    // A server that takes no more still reads and deletes.
    const calls = {
      ...writes,
      ...(name === 'out of memory' ? {} : frees),
      ...(name === 'out of memory' || name === 'read-only' ? {} : reads),
    };
    for (const [call, ask] of Object.entries(calls)) {
      const startMs = performance.now();
      const outcome = await ask().then(
        () => 'answered',
        (error: unknown) => error,
      );
      expect([call, outcome]).toEqual([call, expect.any(RedisUnavailableError)]);
      expect(performance.now() - startMs).toBeLessThan(PROMPT_MS);
    }
    // What is not ours is refused without asking anybody.
    expect(await rig.families.rotate(`${family.token}x`)).toEqual({ kind: 'unknown' });
    expect(await rig.devices.isKnown(OWNER, `${device.token}x`)).toBeUndefined();
    expect(await rig.metric('auth_refresh_total{outcome="unavailable"}')).toBe(2);
  });

  it('gives a client whose answers were lost the very same successor', async () => {
    const first = await login();
    // The server knows the script by now: a lost NOSCRIPT would be a call that was not carried out.
    await rig.families.rotate((await login()).token);
    await proxy.dropReplies();
    const errors: unknown[] = [];
    for (let at = 0; at < 3; at += 1)
      errors.push(await rig.families.rotate(first.token).catch((reason: unknown) => reason));
    expect(errors.every((error) => error instanceof RedisUnavailableError)).toBe(true);
    expect(errors[0]).toMatchObject({ maybeExecuted: true });
    await waitFor(async () => (await generationIn(first)) === '1', { what: 'the exchange to be made' });
    await proxy.pass();
    await isBack();
    const answers = await Promise.all(Array.from({ length: 50 }, () => rig.families.rotate(first.token)));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['replayed']));
    const tokens = new Set(answers.map((answer) => (answer as IssuedRefreshToken).token));
    expect(tokens.size).toBe(1);
    expect(await rig.families.rotate([...tokens][0])).toMatchObject({ kind: 'rotated', generation: 2 });
    expect(await generationIn(first)).toBe('2');
  });

  it('counts a guess whose answer was lost', async () => {
    for (let at = 0; at < 4; at += 1) await rig.lockout.reserve({ accountKey: ANN });
    await proxy.dropReplies();
    await expect(rig.lockout.reserve({ accountKey: ANN })).rejects.toThrow(RedisUnavailableError);
    await proxy.pass();
    await isBack();
    expect(await rig.lockout.reserve({ accountKey: ANN })).toMatchObject({ allowed: false, tier: 5 });
  });

  it('knows no family after a restart without a disk, and still gives no guesses that SQL remembers', async () => {
    const family = await login();
    await server.kill9();
    await server.start();
    await waitFor(
      () =>
        rig.families.rotate(family.token).then(
          ({ kind }) => kind === 'unknown',
          () => false,
        ),
      {
        what: 'the compartment to answer again',
        timeoutMs: 10_000,
      },
    );
    const remembered = { failures: 100, lockedUntilMs: undefined };
    expect(await rig.lockout.reserve({ accountKey: ANN, remembered })).toMatchObject({ allowed: false });
  });
});
