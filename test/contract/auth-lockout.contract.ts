import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LockoutVerdict, LoginAttempt } from '../../src/auth/lockout/lockout.js';
import { AuthRig, ageLocks, everythingIn, immortalKeys } from './auth.rig.js';
import { withEngine } from './support/engine.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const ANN = 'ann@example.org';
/** What a busy machine takes for a few calls. */
const SLACK_MS = 8000;

withEngine('Lockout', (engine) => {
  let rig: AuthRig;
  beforeAll(async () => {
    rig = await AuthRig.open(`redis://${engine.host}:${engine.port}`);
  });
  afterAll(() => rig.close());

  const attempt = (more: Partial<LoginAttempt> = {}): Promise<LockoutVerdict> =>
    rig.lockout.reserve({ accountKey: ANN, ...more });
  const knownDevice = true;
  /** An account that has failed so often, and whose lock is over. */
  const failed = (failures: number) => ({ failures, lockedUntilMs: 0 });
  const record = async (): Promise<Record<string, string>> => {
    const [key = ''] = await engine.redis.keys('auth:{lo:*');
    return engine.redis.hgetall(key);
  };
  const together = (count: number, more?: Partial<LoginAttempt>): Promise<LockoutVerdict[]> =>
    Promise.all(Array.from({ length: count }, () => attempt(more)));
  const passed = (verdicts: readonly LockoutVerdict[]) => verdicts.filter(({ allowed }) => allowed).length;

  it('lets four failures pass without a lock', async () => {
    const verdicts = [await attempt(), await attempt(), await attempt(), await attempt()];
    const free = { allowed: true, byDevice: false, tier: 0, retryAfterMs: 0, durable: undefined };
    expect(verdicts).toEqual(Array.from({ length: 4 }, () => ({ ...free, lockEndsAtMs: 0 })));
  });

  it.each([
    [5, 30 * SECOND_MS, 5],
    [9, 30 * SECOND_MS, 5],
    [10, 5 * MINUTE_MS, 10],
    [20, 30 * MINUTE_MS, 20],
    [50, 4 * HOUR_MS, 50],
    [99, 4 * HOUR_MS, 50],
  ])('locks after failure %i for %i ms', async (failures, lockMs, tier) => {
    const last = await attempt({ remembered: failed(failures - 1) });
    expect(last).toMatchObject({ allowed: true, tier });
    const refused = await attempt();
    expect(refused).toMatchObject({ allowed: false, tier, durable: undefined });
    expect(refused.retryAfterMs).toBeLessThanOrEqual(lockMs);
    expect(refused.retryAfterMs).toBeGreaterThan(lockMs - SLACK_MS);
    await ageLocks(engine.redis, lockMs);
    expect(await attempt()).toMatchObject({ allowed: true });
  });

  it('holds the account after failure 100, and no wait helps', async () => {
    const last = await attempt({ remembered: failed(99) });
    expect(last).toMatchObject({ allowed: true, tier: 100, lockEndsAtMs: 0 });
    expect(last.durable).toEqual({ failures: 100, lockedUntilMs: undefined });
    await ageLocks(engine.redis, 30 * 24 * HOUR_MS);
    expect(await attempt()).toMatchObject({ allowed: false, tier: 100, retryAfterMs: undefined });
  });

  it.each([
    [0, 5],
    [3, 2],
    [4, 1],
    [5, 1],
    [12, 1],
    [98, 1],
    [99, 1],
    [100, 0],
  ])('after %i failures lets %i of a hundred guesses at once pass', async (failures, expected) => {
    expect(passed(await together(100, { remembered: failed(failures) }))).toBe(expected);
  });

  it('gives whoever guesses for as long as he likes a hundred guesses in all', async () => {
    let guesses = 0;
    for (let round = 0; round < 130; round += 1) {
      guesses += passed(await together(3));
      await ageLocks(engine.redis, 4 * HOUR_MS);
    }
    expect(guesses).toBe(100);
  });

  it('while it is locked counts nothing, extends nothing, and lives no longer', async () => {
    await together(5);
    const [key = ''] = await engine.redis.keys('auth:{lo:*');
    await engine.redis.pexpire(key, HOUR_MS);
    const before = await record();
    await together(50);
    expect(await record()).toEqual(before);
    expect(await engine.redis.pttl(key)).toBeLessThanOrEqual(HOUR_MS);
  });

  it('forgets the failures 24 hours after the last one', async () => {
    await attempt();
    const [key = ''] = await engine.redis.keys('auth:{lo:*');
    const life = await engine.redis.pttl(key);
    expect(life).toBeLessThanOrEqual(24 * HOUR_MS);
    expect(life).toBeGreaterThan(24 * HOUR_MS - SLACK_MS);
    await rig.lockout.unlock(ANN);
    expect(await immortalKeys(engine.redis)).toEqual([]);
  });

  it('forgets them after a right password, and after an unlock', async () => {
    for (const lift of [
      async () => rig.lockout.succeeded(ANN, await attempt()),
      () => rig.lockout.unlock(ANN),
    ]) {
      await together(4);
      await lift();
      expect(passed(await together(20))).toBe(5);
      await rig.lockout.unlock(ANN);
    }
  });

  it('keeps accounts apart, also those that are spelt as if they were not', async () => {
    const keys = ['', ' ', 'a', 'A', '*', '}', '{', '\0', '__proto__', 'a\r\nFLUSHALL', 'é', 'x'.repeat(1e6)];
    for (const accountKey of keys)
      for (let at = 1; at <= 5; at += 1)
        expect(await rig.lockout.reserve({ accountKey })).toMatchObject({ tier: at < 5 ? 0 : 5 });
    expect(await engine.redis.keys('auth:{lo:*')).toHaveLength(keys.length);
  });

  it('holds no address of anybody', async () => {
    await attempt();
    expect(await everythingIn(engine.redis)).not.toContain('ann');
  });

  describe('what SQL remembers', () => {
    it('is to be written from tier 20 on', async () => {
      expect((await attempt({ remembered: failed(18) })).durable).toBeUndefined();
      await engine.redis.flushall();
      const { durable, lockEndsAtMs } = await attempt({ remembered: failed(19) });
      expect(durable).toEqual({ failures: 20, lockedUntilMs: lockEndsAtMs });
    });

    it('holds where Redis lost its data: no new guesses', async () => {
      const verdict = await attempt({ remembered: failed(49) });
      await engine.redis.flushall();
      expect(await attempt({ remembered: verdict.durable })).toMatchObject({ allowed: false, tier: 50 });
      const held = { failures: 100, lockedUntilMs: undefined };
      expect(await attempt({ remembered: held })).toMatchObject({ allowed: false, retryAfterMs: undefined });
      expect(await engine.redis.keys('auth:{lo:*')).toEqual([]);
    });

    it('holds where it says so without an end, whatever number stands beside it', async () => {
      const held = { failures: 20, lockedUntilMs: undefined };
      expect(await attempt({ remembered: held })).toMatchObject({ allowed: false, tier: 100 });
    });

    it('is not asked where there is a record, nor right after that was lifted', async () => {
      await attempt();
      expect(await attempt({ remembered: failed(60) })).toMatchObject({ allowed: true, tier: 0 });
      await rig.lockout.unlock(ANN);
      expect(await attempt({ remembered: failed(60) })).toMatchObject({ allowed: true, tier: 0 });
    });
  });

  describe('a known device of the owner', () => {
    it('is let in whatever lock strangers have brought about', async () => {
      await attempt({ remembered: failed(99) });
      expect(await attempt()).toMatchObject({ allowed: false });
      const verdict = await attempt({ knownDevice });
      expect(verdict).toMatchObject({ allowed: true, byDevice: true, retryAfterMs: 0, durable: undefined });
    });

    it('adds nothing to what strangers have failed, and lifts none of it', async () => {
      await together(5);
      await together(10, { knownDevice });
      await rig.lockout.succeeded(ANN, await attempt({ knownDevice }));
      expect(await record()).toMatchObject({ failures: '5', device: '0' });
      expect(await attempt()).toMatchObject({ allowed: false, tier: 5 });
    });

    it('is a stranger from twenty failures in a row on, until a right password', async () => {
      const verdicts = await together(40, { knownDevice });
      expect(verdicts.filter(({ byDevice }) => byDevice)).toHaveLength(20);
      expect(passed(verdicts)).toBe(25);
      await rig.lockout.unlock(ANN);
      expect(await attempt({ knownDevice })).toMatchObject({ byDevice: true });
    });
  });

  describe('an attempt whose password was not looked at', () => {
    it('does not count, and brings no lock', async () => {
      await together(4);
      const fifth = await attempt();
      await rig.lockout.unasked(ANN, fifth);
      expect(await record()).toMatchObject({ failures: '4', until: '0' });
      expect(await attempt()).toMatchObject({ allowed: true, tier: 5 });
    });

    it('lifts no lock but its own, and nothing where it was locked out', async () => {
      const early = await attempt({ remembered: failed(10) });
      await ageLocks(engine.redis, 5 * MINUTE_MS);
      await attempt();
      await rig.lockout.unasked(ANN, await attempt());
      expect(await record()).toMatchObject({ failures: '12' });
      await rig.lockout.unasked(ANN, { ...early, lockEndsAtMs: early.lockEndsAtMs - 5 * MINUTE_MS });
      expect(await record()).toMatchObject({ failures: '11' });
      expect(await attempt()).toMatchObject({ allowed: false, tier: 10 });
    });

    it('does not count for a known device either, and is nothing where nothing is known', async () => {
      const verdict = await attempt({ knownDevice });
      await rig.lockout.unasked(ANN, verdict);
      expect(await record()).toMatchObject({ device: '0', failures: '0' });
      await engine.redis.flushall();
      await rig.lockout.unasked(ANN, verdict);
      expect(await engine.redis.keys('*')).toEqual([]);
    });
  });

  it('goes on after SCRIPT FLUSH', async () => {
    await together(3);
    await engine.redis.script('FLUSH');
    expect(passed(await together(10))).toBe(2);
  });

  it('takes a foreign value for none, and never locks for longer than the tier says', async () => {
    await attempt();
    const [key = ''] = await engine.redis.keys('auth:{lo:*');
    await engine.redis.set(key, 'foreign');
    expect(passed(await together(10))).toBe(5);
    await engine.redis.hset(key, { failures: 'x', until: 'y', device: 'z' });
    expect(passed(await together(10))).toBe(5);
    // As when the clock of the server was set back.
    await engine.redis.hincrby(key, 'until', 365 * 24 * HOUR_MS);
    expect((await attempt()).retryAfterMs).toBeLessThanOrEqual(30 * SECOND_MS);
  });

  it('counts attempts by what it said', async () => {
    const locked = 'auth_lockout_total{outcome="locked",tier="5"}';
    const before = await rig.metric(locked);
    await together(7);
    expect(await rig.metric(locked)).toBe(before + 2);
  });
});
