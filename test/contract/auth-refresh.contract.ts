import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IssuedRefreshToken, Rotation } from '../../src/auth/refresh/rotation.js';
import { AuthRig, SESSION, USER, ageFamily, immortalKeys } from './auth.rig.js';
import { withEngine } from './support/engine.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const GRACE_MS = 10_000;
/** What a busy machine takes for a few calls; far less than what is measured by it. */
const SLACK_MS = 8000;

withEngine('Refresh families', (engine) => {
  let rig: AuthRig;
  beforeAll(async () => {
    rig = await AuthRig.open(`redis://${engine.host}:${engine.port}`);
  });
  afterAll(() => rig.close());

  const login = (endsAtMs?: number): Promise<IssuedRefreshToken> => {
    const owner = { familyId: rig.families.newId(), userId: USER, sessionId: SESSION };
    return rig.families.start(endsAtMs === undefined ? owner : { ...owner, endsAtMs });
  };
  const rotate = (token: string): Promise<Rotation> => rig.families.rotate(token);
  /** Exchanges a token that must be good. */
  const successorOf = async (token: string): Promise<string> => {
    const rotation = await rotate(token);
    if (rotation.kind !== 'rotated') throw new Error(`It is ${rotation.kind}`);
    return rotation.token;
  };
  const keyOf = ({ familyId }: { familyId: string }): string => `auth:{rf:${familyId}}`;

  it('exchanges each token once for its successor, and says whose it is', async () => {
    const first = await login();
    expect(first).toMatchObject({ userId: USER, sessionId: SESSION, generation: 0 });
    const second = await rotate(first.token);
    expect(second).toMatchObject({ kind: 'rotated', userId: USER, sessionId: SESSION, generation: 1 });
    const third = await rotate((second as IssuedRefreshToken).token);
    expect(third).toMatchObject({ kind: 'rotated', familyId: first.familyId, generation: 2 });
    expect(new Set([first, second, third].map((one) => (one as IssuedRefreshToken).token)).size).toBe(3);
  });

  it('answers fifty requests at once with one successor', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { token } = await login();
      const answers = await Promise.all(Array.from({ length: 50 }, () => rotate(token)));
      expect(answers.filter(({ kind }) => kind === 'rotated')).toHaveLength(1);
      expect(answers.filter(({ kind }) => kind === 'replayed')).toHaveLength(49);
      const tokens = new Set(answers.map((answer) => (answer as IssuedRefreshToken).token));
      expect(tokens.size).toBe(1);
      expect(await rotate([...tokens][0] as string)).toMatchObject({ kind: 'rotated', generation: 2 });
    }
  });

  it('answers a slow request within the grace, though its successor was used twice', async () => {
    const { token } = await login();
    const second = await successorOf(token);
    await successorOf(await successorOf(second));
    expect(await rotate(token)).toMatchObject({ kind: 'replayed', token: second, generation: 1 });
  });

  it('keeps eight tokens of a client in a hurry, and takes an older one for stolen', async () => {
    const { token } = await login();
    const tokens = [token];
    for (let at = 0; at < 9; at += 1) tokens.push(await successorOf(tokens.at(-1) as string));
    expect(await rotate(tokens[1] as string)).toMatchObject({ kind: 'replayed', token: tokens[2] });
    expect(await rotate(tokens[0] as string)).toMatchObject({ kind: 'reused', told: false });
  });

  describe('a token that was exchanged longer ago than the grace', () => {
    it('ends its family where the successor was used, for whoever holds a token of it', async () => {
      const first = await login();
      const newest = await successorOf(await successorOf(first.token));
      await ageFamily(engine.redis, first.familyId, GRACE_MS + SLACK_MS);
      const owner = { familyId: first.familyId, userId: USER, sessionId: SESSION };
      expect(await rotate(first.token)).toEqual({ kind: 'reused', told: false, ...owner });
      expect(await rotate(newest)).toEqual({ kind: 'reused', told: false, ...owner });
      const left = await engine.redis.hgetall(keyOf(first));
      expect(Object.keys(left).sort()).toEqual(['ends', 'reused', 'session', 'user']);
      expect(await engine.redis.pttl(keyOf(first))).toBeGreaterThan(29 * DAY_MS);
    });

    it('is found by each of fifty thieves at once, until the owner was told', async () => {
      const first = await login();
      await successorOf(await successorOf(first.token));
      await ageFamily(engine.redis, first.familyId, GRACE_MS + SLACK_MS);
      const answers = await Promise.all(Array.from({ length: 50 }, () => rotate(first.token)));
      expect(answers.map(({ kind }) => kind)).toEqual(Array.from({ length: 50 }, () => 'reused'));
      expect(answers.filter((answer) => answer.kind === 'reused' && answer.told)).toEqual([]);
      await rig.families.tell(first.familyId);
      expect(await rotate(first.token)).toMatchObject({ kind: 'reused', told: true });
    });

    it('is answered as it was for a day while the successor was never used: the answer was lost', async () => {
      const { token, familyId } = await login();
      const second = await successorOf(token);
      await ageFamily(engine.redis, familyId, DAY_MS - SLACK_MS);
      const late = await rotate(token);
      expect(late).toMatchObject({ kind: 'replayed', token: second });
      expect(await rotate(second)).toMatchObject({ kind: 'rotated' });
    });

    it('ends its family after that day', async () => {
      const { token, familyId } = await login();
      await successorOf(token);
      await ageFamily(engine.redis, familyId, DAY_MS + SLACK_MS);
      expect(await rotate(token)).toMatchObject({ kind: 'reused', told: false });
    });

    it('ends its family at once where the successor is known to have arrived', async () => {
      const { token, familyId } = await login();
      const second = await successorOf(token);
      await rig.families.confirm(familyId, 1);
      expect(await rotate(token)).toMatchObject({ kind: 'replayed', token: second });
      await ageFamily(engine.redis, familyId, GRACE_MS + SLACK_MS);
      expect(await rotate(token)).toMatchObject({ kind: 'reused' });
    });

    it('is not ended by the arrival of an older generation, nor by that of another family', async () => {
      const { token, familyId } = await login();
      const second = await successorOf(token);
      const third = await successorOf(second);
      await rig.families.confirm(familyId, 1);
      await rig.families.confirm(rig.families.newId(), 2);
      await ageFamily(engine.redis, familyId, GRACE_MS + SLACK_MS);
      expect(await rotate(second)).toMatchObject({ kind: 'replayed', token: third });
      expect(await engine.redis.keys('auth:{rf:*')).toHaveLength(1);
    });
  });

  describe('its life', () => {
    it('ends 14 days after its last use, and 30 days after its login', async () => {
      const first = await login();
      const fromNow = (ms: number) => Math.abs(ms - Date.now());
      expect(fromNow(first.idleEndsAtMs - 14 * DAY_MS)).toBeLessThan(SLACK_MS);
      expect(fromNow(first.endsAtMs - 30 * DAY_MS)).toBeLessThan(SLACK_MS);
      await ageFamily(engine.redis, first.familyId, 13 * DAY_MS);
      const second = (await rotate(first.token)) as IssuedRefreshToken;
      expect(fromNow(second.idleEndsAtMs - 14 * DAY_MS)).toBeLessThan(SLACK_MS);
      await ageFamily(engine.redis, first.familyId, 13 * DAY_MS);
      const third = (await rotate(second.token)) as IssuedRefreshToken;
      expect(fromNow(third.idleEndsAtMs - 4 * DAY_MS)).toBeLessThan(SLACK_MS);
      expect(third.endsAtMs).toBe(third.idleEndsAtMs);
      await ageFamily(engine.redis, first.familyId, 4 * DAY_MS + SLACK_MS);
      expect(await rotate(third.token)).toMatchObject({ kind: 'expired', userId: USER, sessionId: SESSION });
    });

    it('ends unused, for a token that is answered again as well', async () => {
      const { token, familyId } = await login();
      await successorOf(token);
      await ageFamily(engine.redis, familyId, 14 * DAY_MS + SLACK_MS);
      expect(await rotate(token)).toMatchObject({ kind: 'expired' });
    });

    it('is no longer than that of its session', async () => {
      const endsAtMs = Date.now() + 20 * MINUTE_MS;
      const first = await login(endsAtMs);
      expect([first.endsAtMs, first.idleEndsAtMs]).toEqual([endsAtMs, endsAtMs]);
      expect(await rotate(first.token)).toMatchObject({ kind: 'rotated', endsAtMs, idleEndsAtMs: endsAtMs });
    });

    it('has an end in Redis whatever becomes of it', async () => {
      const families = [await login(), await login(), await login()];
      await successorOf(families[1]?.token ?? '');
      await ageFamily(engine.redis, families[2]?.familyId ?? '', MINUTE_MS);
      await rotate(families[2]?.token ?? '');
      expect(await immortalKeys(engine.redis)).toEqual([]);
      for (const family of families) expect(await engine.redis.pttl(keyOf(family))).toBeLessThan(31 * DAY_MS);
    });

    it('ends by a logout, which knows the family by its token', async () => {
      const { token, familyId, userId, sessionId } = await login();
      const next = await successorOf(token);
      for (const one of [token, next])
        expect(await rig.families.ownerOf(one)).toEqual({ familyId, userId, sessionId });
      await rig.families.revoke(familyId);
      await rig.families.revoke(familyId);
      expect(await rotate(token)).toEqual({ kind: 'unknown' });
      expect(await rig.families.ownerOf(next)).toBeUndefined();
      await engine.redis.set(`auth:{rf:${familyId}}`, 'foreign');
      expect(await rig.families.ownerOf(token)).toBeUndefined();
    });
  });

  it('begins once', async () => {
    const first = await login();
    await expect(rig.families.start(first)).rejects.toThrow(RangeError);
    expect(await rotate(first.token)).toMatchObject({ kind: 'rotated' });
  });

  it('goes on after SCRIPT FLUSH, and ends with FLUSHALL', async () => {
    const first = await login();
    await engine.redis.script('FLUSH');
    const second = await successorOf(first.token);
    await engine.redis.script('FLUSH');
    expect(await rotate(first.token)).toMatchObject({ kind: 'replayed', token: second });
    await engine.redis.flushall();
    expect(await rotate(second)).toEqual({ kind: 'unknown' });
  });

  describe('on a server that has lost its last writes', () => {
    /** Brings back what a family was. */
    const undo = async (key: string, before: Record<string, string>): Promise<void> => {
      await engine.redis.del(key);
      await engine.redis.hset(key, before);
      await engine.redis.pexpire(key, DAY_MS);
    };

    it('takes the newest token that was issued for the newest, and an older one for stolen', async () => {
      const first = await login();
      const before = await engine.redis.hgetall(keyOf(first));
      const second = await successorOf(first.token);
      const third = await successorOf(second);
      await undo(keyOf(first), before);
      expect(await rotate(third)).toMatchObject({ kind: 'rotated', generation: 3 });
      expect(await rotate(third)).toMatchObject({ kind: 'replayed', generation: 3 });
      expect(await rotate(first.token)).toMatchObject({ kind: 'reused' });
    });

    it('ends a family that has two tokens of one generation by now', async () => {
      const first = await login();
      const before = await engine.redis.hgetall(keyOf(first));
      const second = await successorOf(first.token);
      await undo(keyOf(first), before);
      const another = await successorOf(first.token);
      expect(another).not.toBe(second);
      expect(await rotate(second)).toMatchObject({ kind: 'reused', told: false });
      expect(await rotate(another)).toMatchObject({ kind: 'reused', told: false });
    });
  });

  it('takes a foreign or a damaged value for none', async () => {
    const first = await login();
    await engine.redis.set(keyOf(first), 'foreign');
    expect(await rotate(first.token)).toEqual({ kind: 'unknown' });
    await engine.redis.del(keyOf(first));
    await engine.redis.hset(keyOf(first), { user: USER, session: SESSION, generation: 'x', ends: 'soon' });
    expect(await rotate(first.token)).toEqual({ kind: 'unknown' });
  });

  it('counts what became of each token', async () => {
    const count = (outcome: string) => rig.metric(`auth_refresh_total{outcome="${outcome}"}`);
    const before = [await count('rotated'), await count('replayed'), await count('forged')];
    const { token } = await login();
    await rotate(token);
    await rotate(token);
    await rotate(`${token}x`);
    const after = [await count('rotated'), await count('replayed'), await count('forged')];
    expect(after.map((one, at) => one - (before[at] ?? 0))).toEqual([1, 1, 1]);
  });
});
