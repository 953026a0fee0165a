import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TooManyAttemptsError } from '../../src/auth/throttle/too-many-attempts.error.js';
import type { LoginOrigin, Reservation } from '../../src/auth/throttle/login-gate.js';
import { AuthRig, USER, everythingIn, immortalKeys } from './auth.rig.js';
import { withEngine } from './support/engine.js';

const ANN = 'ann@example.org';
const HOME = '192.0.2.1';
const HOUR_MS = 3_600_000;

withEngine('Throttle of logins and other flows', (engine) => {
  /** A new one for each case: what a process knows of denials is its own. */
  let rig: AuthRig;
  beforeEach(async () => {
    rig = await AuthRig.open(`redis://${engine.host}:${engine.port}`);
  });
  afterEach(() => rig.close());

  const login = (more: Partial<LoginOrigin> = {}): Promise<Reservation> =>
    rig.login.reserve({ accountKey: ANN, address: HOME, ...more });
  const logins = (count: number, of: (at: number) => Partial<LoginOrigin> = () => ({})) =>
    Promise.all(Array.from({ length: count }, (_, at) => login(of(at))));
  const passed = (reservations: readonly Reservation[]) =>
    reservations.filter(({ allowed }) => allowed).length;
  const elsewhere = (at: number) => `198.51.${100 + at}.7`;

  it('lets ten guesses at an account from one address pass, however many come at once', async () => {
    const reservations = await logins(100);
    expect(passed(reservations)).toBe(10);
    const denied = reservations.find(({ allowed }) => !allowed);
    expect(denied?.retryAfterMs).toBeGreaterThan(0);
    expect(denied?.retryAfterMs).toBeLessThanOrEqual(HOUR_MS / 20);
  });

  it('lets twenty guesses at an account pass from all addresses together', async () => {
    expect(passed(await logins(60, (at) => ({ address: elsewhere(at) })))).toBe(20);
    expect(await login({ accountKey: 'bob', address: elsewhere(1) })).toMatchObject({ allowed: true });
  });

  it('lets twenty guesses from an address pass, at all accounts together', async () => {
    expect(passed(await logins(60, (at) => ({ accountKey: `user-${at}` })))).toBe(20);
    expect(await login({ address: '192.0.2.2' })).toMatchObject({ allowed: true });
  });

  it('lets eight times as many pass from a network', async () => {
    const spread = (at: number) => ({ address: `192.0.2.${at % 250}`, accountKey: `user-${at}` });
    const startMs = performance.now();
    const count = passed(await logins(240, spread));
    const earnedBack = Math.floor((performance.now() - startMs) / (HOUR_MS / 960));
    expect(count).toBeGreaterThanOrEqual(160);
    expect(count).toBeLessThanOrEqual(160 + earnedBack);
    expect(await login({ address: '192.0.3.1', accountKey: 'other' })).toMatchObject({ allowed: true });
  });

  it.each([
    ['an IPv6 /64', (at: number) => `2001:db8:1:2::${at + 1}`],
    ['both notations of IPv4', (at: number) => (at % 2 ? HOME : `::ffff:${HOME}`)],
    ['whatever is no address', (at: number) => (at % 2 ? '' : 'x'.repeat(at))],
  ])('takes %s for one address', async (_what, address) => {
    expect(passed(await logins(40, (at) => ({ address: address(at), accountKey: `user-${at}` })))).toBe(20);
    expect(passed(await logins(40, (at) => ({ address: address(at) })))).toBe(0);
  });

  it('spends all limits or none', async () => {
    expect(passed(await logins(40))).toBe(10);
    // Of the twenty of the account ten are left, and of the twenty of the address as well.
    expect(passed(await logins(40, (at) => ({ address: elsewhere(at) })))).toBe(10);
    expect(passed(await logins(40, (at) => ({ accountKey: `user-${at}` })))).toBe(10);
  });

  it('gives back after a right password what the account spent, once, and not what the address did', async () => {
    const [first, ...others] = await logins(10);
    await first?.refund();
    await first?.refund();
    expect(passed(await logins(5))).toBe(1);
    for (const reservation of others) await reservation.refund();
    expect(passed(await logins(30))).toBe(9);
    // All twenty of the address are spent.
    expect(await login({ accountKey: 'bob' })).toMatchObject({ allowed: false });
  });

  it('gives nothing back where nothing was spent', async () => {
    const denied = (await logins(15)).filter(({ allowed }) => !allowed);
    expect(denied).toHaveLength(5);
    for (const reservation of denied) await reservation.refund();
    expect(passed(await logins(15))).toBe(0);
  });

  it('lets a known device in whatever strangers spent of the account, ten times an hour', async () => {
    await logins(60, (at) => ({ address: elsewhere(at) }));
    expect(await login()).toMatchObject({ allowed: false });
    const reservations = await logins(15, () => ({ deviceId: 'phone' }));
    expect(passed(reservations)).toBe(10);
    expect(await login({ deviceId: 'tablet' })).toMatchObject({ allowed: true });
    await reservations.find(({ allowed }) => allowed)?.refund();
    expect(await login({ deviceId: 'phone' })).toMatchObject({ allowed: true });
  });

  it('keeps names of any characters apart', async () => {
    const names = ['', ' ', '\0', '__proto__', 'a\nb', 'é', 'x'.repeat(1e5)];
    for (const [at, accountKey] of names.entries())
      expect(passed(await logins(15, () => ({ accountKey, address: elsewhere(at) })))).toBe(10);
  });

  it('goes on after SCRIPT FLUSH', async () => {
    await logins(6);
    await engine.redis.script('FLUSH');
    expect(passed(await logins(10))).toBe(4);
  });

  it('holds digests only, each of them for a while', async () => {
    await logins(3);
    await rig.begin('reset', { account: ANN, ip: HOME });
    const dump = await everythingIn(engine.redis);
    expect(dump).not.toContain('ann');
    expect(dump).not.toContain(HOME);
    expect(await immortalKeys(engine.redis)).toEqual([]);
    expect(await engine.redis.keys('auth:{th}:*')).not.toEqual([]);
  });

  describe('other flows', () => {
    /** How many of so many pass; all others are refused with a 429. */
    const spend = async (count: number, once: (at: number) => Promise<void>): Promise<number> => {
      const results = await Promise.allSettled(Array.from({ length: count }, (_, at) => once(at)));
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(TooManyAttemptsError);
      return results.filter(({ status }) => status === 'fulfilled').length;
    };

    it.each([
      ['reset, by account', 5, (at: number) => rig.begin('reset', { account: ANN, ip: elsewhere(at) })],
      ['reset, by address', 20, (at: number) => rig.begin('reset', { account: `${at}`, ip: HOME })],
      ['verify, by user', 3, (at: number) => rig.begin('verify', { user: USER, ip: elsewhere(at) })],
      ['verify, by address', 10, (at: number) => rig.begin('verify', { user: `${at}`, ip: HOME })],
      ['register', 10, (at: number) => rig.begin('register', { account: `${at}`, ip: HOME })],
      [
        'password change',
        10,
        (at: number) => rig.begin('password-change', { user: USER, ip: elsewhere(at) }),
      ],
      [
        'invitations of one address',
        5,
        (at: number) => rig.begin('invite', { user: `${at}`, tenant: `${at}`, account: ANN }),
      ],
    ])('%s: %i an hour', async (_what, quota, once) => {
      expect(await spend(quota + 15, once)).toBe(quota);
    });

    it('say when to come back', async () => {
      await spend(5, () => rig.begin('reset', { account: ANN, ip: HOME }));
      const refusal = await rig.begin('reset', { account: ANN, ip: HOME }).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ status: 429, slug: 'too-many-attempts' });
      expect((refusal as TooManyAttemptsError).retryAfterMs).toBeGreaterThan(HOUR_MS / 2);
      expect(String((refusal as TooManyAttemptsError).message)).not.toContain('ann');
      expect(await rig.metric('auth_throttle_total{flow="reset",outcome="denied"}')).toBe(1);
    });

    it('spend nothing of each other, nor of the login', async () => {
      await spend(9, () => rig.begin('reset', { account: ANN, ip: HOME }));
      await rig.begin('register', { account: ANN, ip: HOME });
      expect(await login()).toMatchObject({ allowed: true });
    });
  });
});
