import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { EXIT } from '../../src/kernel/errors.js';
import { RedisStartupError } from '../../src/redis/index.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { type Load, startLoad } from './rotation/load.js';
import {
  LANES,
  PURPOSE_NAMES,
  type RotationRig,
  allUp,
  killLanes,
  lanesOn,
  openRig,
  setPasswords,
  usersOf,
  warnings,
} from './rotation/rig.js';
import { type Issuers, issuersOn } from './rotation/token-issuer.js';

const RENEWALS = 6;

describeReal('A credential provider', () => {
  let server: RedisServer;
  let issuers: Issuers;
  let rig: RotationRig | undefined;
  let load: Load | undefined;
  let figures = '';

  beforeAll(async () => {
    server = await startRedisServer({ acl: usersOf('canary-nobody-knows'), appendonly: true });
  });

  afterEach(async () => {
    await load?.stop();
    load = undefined;
    await rig?.close();
    rig = undefined;
    for (const name of PURPOSE_NAMES) issuers[name].stop();
    await setPasswords(server, 'resetpass');
  });

  afterAll(async () => {
    await server.stop();
    console.info(`Credential provider: ${figures}`);
  });

  const open = async (env = {}): Promise<RotationRig> => {
    rig = await openRig(
      { REDIS_URL: `redis://127.0.0.1:${server.port}`, REDIS_CREDENTIALS_CHECK_MS: '1h', ...env },
      { credentials: issuers },
    );
    await allUp(rig);
    return rig;
  };

  it('is asked ahead of each expiry, and no call fails', async () => {
    issuers = issuersOn(server, 2000);
    const opened = await open();
    load = startLoad(opened);
    const before = await lanesOn(server);
    await opened.applied(RENEWALS);
    await load.stop();

    expect(load.failures).toEqual([]);
    expect(before).toHaveLength(LANES);
    expect(await lanesOn(server), 'the same connections').toEqual(before);
    expect(warnings(opened)).toEqual([]);
    for (const name of PURPOSE_NAMES) expect(issuers[name].mostAtOnce).toBe(1);
    figures = `${RENEWALS} renewals of each purpose, ${load.calls} calls, ${load.failures.length} failed`;
    await killLanes(server);
    await allUp(opened);
  });

  it('that throws or hangs keeps what is in use, is named once, and is asked again', async () => {
    issuers = issuersOn(server, 2000);
    const opened = await open();
    load = startLoad(opened);
    issuers.rateLimit.before = () => Promise.reject(new TypeError('canary: secret in a message'));
    issuers.authCache.before = () => new Promise(() => undefined);
    await waitFor(() => warnings(opened).length >= 2, { what: 'two warnings', timeoutMs: 15_000 });
    await load.stop();

    expect(load.failures).toEqual([]);
    expect(warnings(opened).sort()).toEqual([
      expect.stringMatching(/authCache in use: RedisModule.forRoot: .*did not answer within 4000 ms/),
      expect.stringMatching(/rateLimit in use: RedisModule.forRoot: .*failed \(TypeError\)/),
    ]);
    expect(opened.log.map(({ text }) => text).join('\n')).not.toMatch(/canary/);
    issuers.rateLimit.before = issuers.authCache.before = () => Promise.resolve();
    await opened.rotation.now();
    await killLanes(server);
    await allUp(opened);
  });

  it('is asked once more when the server does not know what it gave, at the start as well', async () => {
    issuers = issuersOn(server, 60_000);
    issuers.securityTokens.unknown = 1;
    const opened = await open();
    expect(issuers.securityTokens.fetches).toBe(2);
    expect(issuers.rateLimit.fetches).toBe(1);
    // The cloud revokes every token at once.
    await setPasswords(server, 'resetpass');
    await killLanes(server);
    await allUp(opened);
    expect(issuers.rateLimit.fetches).toBe(2);
    expect(issuers.billingEvents.mostAtOnce).toBe(1);
  });

  it('is asked again soon when the server does not know what it gave ahead of an expiry', async () => {
    issuers = issuersOn(server, 4000);
    const opened = await open();
    load = startLoad(opened);
    for (const name of PURPOSE_NAMES) issuers[name].unknown = 1;
    await opened.applied(1);
    await load.stop();
    expect(load.failures).toEqual([]);
    for (const name of PURPOSE_NAMES) expect(await opened.rotations(name, 'refused')).toBe(1);
    expect(warnings(opened)).toHaveLength(PURPOSE_NAMES.length);
    for (const line of warnings(opened)) expect(line).toMatch(/RedisModule.forRoot: .*password \(auth\)/);
  });

  it('may give any character: nothing in a password is a command', async () => {
    issuers = issuersOn(server, 60_000);
    issuers.rateLimit.ending = `\0\r\n*1\r\n$8\r\nFLUSHALL\r\n"' ü`;
    issuers.authCache.ending = 'x'.repeat(16_000);
    const opened = await open();
    await opened.rotation.now();
    await opened.applied(1);
    expect(warnings(opened)).toEqual([]);
    expect(await server.admin().info('commandstats')).not.toContain('cmdstat_flushall');
  });

  it('is asked at once by a signal, for all purposes', async () => {
    issuers = issuersOn(server, 60_000);
    const opened = await open();
    await opened.rotation.now();
    await opened.applied(1);
    for (const name of PURPOSE_NAMES) expect(issuers[name].fetches).toBe(2);
  });

  it('that fails at the start is named: 69, since it may come right', async () => {
    issuers = issuersOn(server, 60_000);
    for (const name of PURPOSE_NAMES) issuers[name].before = () => Promise.reject(new Error('canary'));
    const error = await refusal(open({ REDIS_START_DEADLINE_MS: '1500ms' }));
    expect(error.exitCode).toBe(EXIT.unavailable);
    expect(error.report().split('\n').slice(1)).toHaveLength(PURPOSE_NAMES.length);
    expect(error.report()).toMatch(
      /RedisModule.forRoot \(authCache\): .*credential provider failed \(Error\)/,
    );
    expect(error.report()).not.toContain('canary');
  });

  it('that gives no password at the start is a mistake: 78', async () => {
    issuers = issuersOn(server, 60_000);
    const credentials = { ...issuers, authCache: { fetch: () => Promise.resolve({ password: '' }) } };
    const url = { REDIS_URL: `redis://127.0.0.1:${server.port}` };
    const error = await refusal(openRig(url, { credentials }));
    expect(error.exitCode).toBe(EXIT.config);
    expect(error.report()).toMatch(/RedisModule.forRoot \(authCache\): .*gave no password/);
  });
});

async function refusal(opening: Promise<unknown>): Promise<RedisStartupError> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof RedisStartupError) return error;
    throw error;
  }
  throw new Error('It started');
}
