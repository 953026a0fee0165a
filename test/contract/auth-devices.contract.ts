import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { AuthRig, OTHER_USER, USER, everythingIn, immortalKeys } from './auth.rig.js';
import { withEngine } from './support/engine.js';

const DAY_MS = 86_400_000;
const OLD = 'old-device-key-'.repeat(3);
const NEW = 'new-device-key-'.repeat(3);
const OWNER = { id: USER, deviceEpoch: 1 };
const OTHER = { id: OTHER_USER, deviceEpoch: 1 };
const KEY = `auth:{${USER}}:dv`;

withEngine('Known devices', (engine) => {
  const rigs: AuthRig[] = [];
  const open = async (keys: string) => {
    const rig = await AuthRig.open(`redis://${engine.host}:${engine.port}`, { AUTH_DEVICE_KEYS: keys });
    rigs.push(rig);
    return rig.devices;
  };
  let devices: AuthRig['devices'];
  beforeAll(async () => {
    devices = await open(OLD);
  });
  afterEach(async () => {
    for (const one of rigs.splice(1)) await one.close();
  });
  afterAll(async () => {
    for (const one of rigs) await one.close();
  });

  it('are known by their token, to their owner', async () => {
    const { deviceId, token } = await devices.remember(OWNER);
    expect(await devices.isKnown(OWNER, token)).toBe(deviceId);
    expect(await devices.isKnown(OTHER, token)).toBeUndefined();
    expect(await devices.isKnown(undefined, token)).toBeUndefined();
  });

  it('go on under their id when they log in again, and stand in Redis once', async () => {
    const first = await devices.remember(OWNER);
    expect(await devices.remember(OWNER, first.token)).toEqual(first);
    expect(await engine.redis.zcard(KEY)).toBe(1);
    const second = await devices.remember(OWNER);
    expect(second.deviceId).not.toBe(first.deviceId);
    expect(await engine.redis.zcard(KEY)).toBe(2);
  });

  it('get an id of their own where the token is of another user, or made up', async () => {
    const other = await devices.remember(OTHER);
    const mine = await devices.remember(OWNER, other.token);
    expect(mine.deviceId).not.toBe(other.deviceId);
    expect(await devices.isKnown(OTHER, other.token)).toBe(other.deviceId);
    expect((await devices.remember(OWNER, `${mine.token}x`)).deviceId).not.toBe(mine.deviceId);
  });

  it('are not known any more once they are forgotten, and are not taken back', async () => {
    const [one, two] = [await devices.remember(OWNER), await devices.remember(OWNER)];
    await devices.forget(OWNER, one.deviceId);
    expect(await devices.isKnown(OWNER, one.token)).toBeUndefined();
    expect(await devices.isKnown(OWNER, two.token)).toBe(two.deviceId);
    await devices.forgetAll(USER);
    expect(await devices.isKnown(OWNER, two.token)).toBeUndefined();
    const again = await devices.remember(OWNER, two.token);
    expect(again.deviceId).not.toBe(two.deviceId);
    expect(await devices.isKnown(OWNER, two.token)).toBeUndefined();
  });

  it('are strangers once the epoch of their owner has grown, though Redis has heard nothing of it', async () => {
    const [one, two] = [await devices.remember(OWNER), await devices.remember(OWNER)];
    const later = { ...OWNER, deviceEpoch: 2 };
    expect(await devices.isKnown(later, one.token)).toBeUndefined();
    const anew = await devices.remember(later, two.token);
    expect(anew.deviceId).not.toBe(two.deviceId);
    expect(await devices.isKnown(later, anew.token)).toBe(anew.deviceId);
    expect(await devices.isKnown(later, two.token)).toBeUndefined();
    // A login that read the older epoch brings nothing back.
    const late = await devices.remember(OWNER, one.token);
    expect(await devices.isKnown(later, late.token)).toBeUndefined();
  });

  it('are forgotten 90 days after their last login', async () => {
    const { deviceId, token } = await devices.remember(OWNER);
    const [member = '', last = ''] = await engine.redis.zrange(KEY, '0', '-1', 'WITHSCORES');
    await engine.redis.zadd(KEY, Number(last) - 89 * DAY_MS, member);
    expect(await devices.isKnown(OWNER, token)).toBe(deviceId);
    await engine.redis.zadd(KEY, Number(last) - 90 * DAY_MS, member);
    expect(await devices.isKnown(OWNER, token)).toBeUndefined();
    expect((await devices.remember(OWNER, token)).deviceId).not.toBe(deviceId);
    expect(await engine.redis.zcard(KEY)).toBe(1);
    expect(await immortalKeys(engine.redis)).toEqual([]);
    expect(await engine.redis.pttl(KEY)).toBeLessThanOrEqual(90 * DAY_MS);
  });

  it('are twenty at most, and the one that was used longest ago goes', async () => {
    const tokens: string[] = [];
    for (let at = 0; at < 21; at += 1) {
      tokens.push((await devices.remember(OWNER)).token);
      // Logins of one millisecond have no order.
      const [newest = ''] = await engine.redis.zrange(KEY, '-1', '-1');
      if (at === 0) await engine.redis.zadd(KEY, Date.now() - DAY_MS, newest);
    }
    expect(await engine.redis.zcard(KEY)).toBe(20);
    expect(await devices.isKnown(OWNER, tokens[0])).toBeUndefined();
    expect(await devices.isKnown(OWNER, tokens[20])).toBeDefined();
  });

  it('stay known while their key is replaced, and get a token of the new one', async () => {
    const first = await devices.remember(OWNER);
    const both = await open(`${NEW},${OLD}`);
    expect(await both.isKnown(OWNER, first.token)).toBe(first.deviceId);
    const renewed = await both.remember(OWNER, first.token);
    expect(renewed.deviceId).toBe(first.deviceId);
    const last = await open(NEW);
    expect(await last.isKnown(OWNER, renewed.token)).toBe(first.deviceId);
    expect(await last.isKnown(OWNER, first.token)).toBeUndefined();
  });

  it('are in Redis as digests only', async () => {
    const { deviceId, token } = await devices.remember(OWNER);
    const dump = await everythingIn(engine.redis);
    expect(dump).not.toContain(deviceId);
    expect(dump).not.toContain(token);
  });

  it.each([undefined, null, '', 'dv1', {}, ['dv1'], 7, '\ud800', '\0', '__proto__', 'dv1.'.repeat(1e6)])(
    'are not what %j says',
    async (token) => {
      expect(await devices.isKnown(OWNER, token)).toBeUndefined();
      expect((await devices.remember(OWNER, token)).token).toMatch(/^dv1\./);
    },
  );

  it('belong to users whose id is a UUID, so that no text becomes part of a name', async () => {
    for (const userId of ['', '*', `${USER}}`, USER.toUpperCase(), '__proto__'])
      await expect(devices.remember({ id: userId, deviceEpoch: 1 })).rejects.toThrow(TypeError);
  });

  it('goes on after SCRIPT FLUSH, and takes a foreign value for none', async () => {
    const { deviceId, token } = await devices.remember(OWNER);
    await engine.redis.script('FLUSH');
    expect(await devices.isKnown(OWNER, token)).toBe(deviceId);
    await engine.redis.set(KEY, 'foreign');
    expect(await devices.isKnown(OWNER, token)).toBeUndefined();
    const fresh = await devices.remember(OWNER, token);
    expect(await devices.isKnown(OWNER, fresh.token)).toBe(fresh.deviceId);
  });
});
