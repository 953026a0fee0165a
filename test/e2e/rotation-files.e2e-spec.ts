import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { type Load, startLoad } from './rotation/load.js';
import {
  LANES,
  type RotationRig,
  PURPOSE_NAMES,
  allUp,
  authCalls,
  killLanes,
  lanesOn,
  openRig,
  ruleOf,
  setPasswords,
  usersOf,
  warnings,
} from './rotation/rig.js';
import { SecretFolder } from './rotation/secret-folder.js';

const OLD = 'canary-old-7Qz';
const NEW = 'canary-new-8Rx';

describeReal('Credentials in files', () => {
  let server: RedisServer;
  let secrets: SecretFolder;
  let rig: RotationRig;
  let load: Load | undefined;
  let total = 0;

  beforeAll(async () => {
    server = await startRedisServer({ acl: usersOf(OLD), appendonly: true });
  });

  afterEach(async () => {
    await load?.stop();
    total += load?.calls ?? 0;
    load = undefined;
    await rig.close();
    await setPasswords(server, 'resetpass', `>${OLD}`);
  });

  afterAll(async () => {
    await server.stop();
    console.info(`Credentials in files: ${total} calls while they were replaced`);
  });

  const urlOf = (user: string, password = '') =>
    password ? server.url({ username: user, password }) : `redis://${user}@127.0.0.1:${server.port}`;

  /** Each purpose gets its password in another way. */
  async function open(checkMs = '200ms'): Promise<void> {
    secrets = new SecretFolder();
    secrets.mount({ auth: OLD });
    rig = await openRig({
      REDIS_CREDENTIALS_CHECK_MS: checkMs,
      RATE_LIMIT_REDIS_URL_FILE: secrets.write('rate-url', urlOf('rateLimit', OLD)),
      AUTH_CACHE_REDIS_URL: urlOf('authCache'),
      AUTH_CACHE_REDIS_PASSWORD_FILE: secrets.path('auth'),
      SECURITY_TOKEN_REDIS_URL: urlOf('securityTokens'),
      SECURITY_TOKEN_REDIS_PASSWORD_FILE: secrets.write('tokens', OLD),
      BILLING_EVENTS_REDIS_URL: urlOf('billingEvents'),
      BILLING_EVENTS_REDIS_PASSWORD_FILE: secrets.write('billing', OLD),
    });
    await allUp(rig);
  }

  function changeFiles(password: string): void {
    secrets.replace('rate-url', urlOf('rateLimit', password));
    secrets.mount({ auth: password });
    secrets.replace('tokens', password);
    // Half a password first, as a slow writer leaves it.
    secrets.write('billing', password.slice(0, 5));
    setImmediate(() => secrets.write('billing', password));
  }

  it('are taken up while the server knows both, on every lane and in place, and no call fails', async () => {
    await open();
    load = startLoad(rig);
    const before = await lanesOn(server);
    const asked = await authCalls(server);
    await setPasswords(server, `>${NEW}`);
    changeFiles(NEW);
    await rig.applied(1);
    await setPasswords(server, `<${OLD}`);
    await load.stop();

    expect(load.failures).toEqual([]);
    expect(before).toHaveLength(LANES);
    expect(await lanesOn(server), 'the same connections').toEqual(before);
    // Every lane in place, and one connection per purpose to try them on.
    expect((await authCalls(server)) - asked).toBe(LANES + PURPOSE_NAMES.length);
    expect(warnings(rig)).toEqual([]);
    await killLanes(server);
    await allUp(rig);
  });

  it('are taken up as often as they change', async () => {
    await open();
    load = startLoad(rig);
    const passwords = Array.from({ length: 10 }, (_, n) => `${NEW}-${n}`);
    for (const [n, password] of passwords.entries()) {
      await setPasswords(server, `>${password}`);
      changeFiles(password);
      await rig.applied(n + 1);
      // One change before: none of the files may be read later than that.
      if (n > 0) await setPasswords(server, `<${passwords[n - 1]}`);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    await setPasswords(server, 'resetpass', `>${passwords.at(-1)}`);
    await killLanes(server);
    await allUp(rig);
  });

  it('may name another user, whose rights are proven before a caller depends on them', async () => {
    await open();
    load = startLoad(rig);
    const before = await lanesOn(server);
    const second = ruleOf('rateLimit', 'rateLimit2', NEW).split(' ').slice(2);
    await server.admin().call('ACL', 'SETUSER', 'rateLimit2', ...second, '-zadd');
    secrets.replace('rate-url', urlOf('rateLimit2', NEW));
    await waitFor(() => warnings(rig).length === 1, { what: 'a warning' });
    expect(warnings(rig)[0]).toMatch(
      /^Keeping the credentials of rateLimit in use: .*refuses zadd.*redis acl/,
    );
    expect((await lanesOn(server)).map(({ user }) => user)).not.toContain('rateLimit2');

    await server.admin().call('ACL', 'SETUSER', 'rateLimit2', '+zadd');
    await rig.rotation.now();
    await load.stop();
    expect(load.failures).toEqual([]);
    const after = await lanesOn(server);
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(after.find(({ name }) => name.includes(':rateLimit:'))?.user).toBe('rateLimit2');
    const { user, proofs } = rig.status.of('rateLimit');
    expect(user).toBe('rateLimit2');
    expect(proofs).toContainEqual({ fact: 'identity', verdict: 'proven', detail: 'user rateLimit2' });
    await killLanes(server);
    await allUp(rig);
  });

  it('are looked at again at once when the server refuses the old ones', async () => {
    await open('1h');
    await setPasswords(server, 'resetpass', `>${NEW}`);
    changeFiles(NEW);
    await killLanes(server);
    await allUp(rig);
    for (const purpose of PURPOSE_NAMES) expect(await rig.rotations(purpose, 'applied')).toBe(1);
  });

  it('are kept while the server does not know the new ones yet, and taken up when it does', async () => {
    await open();
    load = startLoad(rig);
    changeFiles(NEW);
    await waitFor(() => warnings(rig).length === PURPOSE_NAMES.length, { what: 'four warnings' });
    // In use: a new connection still gets in.
    await setPasswords(server, `>${NEW}`);
    await rig.applied(1);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(warnings(rig)).toHaveLength(PURPOSE_NAMES.length);
  });

  it('that all purposes share are one file', async () => {
    secrets = new SecretFolder();
    const everybody = (password: string) => ['user', 'all', 'on', `>${password}`, '~*', '&*', '+@all'];
    await server.admin().call('ACL', 'SETUSER', ...everybody(OLD).slice(1));
    const url = secrets.write('url', urlOf('all', OLD));
    rig = await openRig({ REDIS_URL_FILE: url, REDIS_CREDENTIALS_CHECK_MS: '200ms' });
    await allUp(rig);
    load = startLoad(rig);
    await server.admin().call('ACL', 'SETUSER', 'all', `>${NEW}`);
    secrets.replace('url', urlOf('all', NEW));
    await rig.applied(1);
    await server.admin().call('ACL', 'SETUSER', 'all', `<${OLD}`);
    await load.stop();
    expect(load.failures).toEqual([]);
    await killLanes(server);
    await allUp(rig);
  });
});
