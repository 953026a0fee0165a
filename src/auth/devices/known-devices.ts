import { Injectable } from '@nestjs/common';
import { KeyRing } from '../../kernel/key-ring.js';
import { InjectRedis, LuaScript, type PurposeRedis } from '../../redis/index.js';
import { AuthSettings } from '../auth.config.js';
import {
  type DeviceToken,
  isUserId,
  newDeviceId,
  readDeviceToken,
  writeDeviceToken,
} from './device-token.js';

const DIGEST = 'device';
const MOST_DEVICES = 20;

const flag = (reply: unknown): boolean => {
  if (reply !== 0 && reply !== 1) throw new TypeError('neither 0 nor 1');
  return reply === 1;
};
const script = (name: string): LuaScript<boolean> =>
  new LuaScript({ name, file: new URL(`../scripts/${name}.lua`, import.meta.url), decode: flag });
const rememberDevice = script('remember-device');
const knowDevice = script('know-device');

export interface RememberedDevice {
  readonly deviceId: string;
  /** For a cookie or a header of the device; holds until it is forgotten, or not used for AUTH_DEVICE_LIFE_MS. */
  readonly token: string;
}

/**
 * Devices that owners have logged in with, in authCache: a login from one of them is not held up by what strangers do to
 * the account. One key per user, of digests; twenty devices at most, the oldest go.
 */
@Injectable()
export class KnownDevices {
  private readonly ring: KeyRing;

  constructor(
    @InjectRedis('authCache') private readonly redis: PurposeRedis<'authCache'>,
    private readonly settings: AuthSettings,
  ) {
    this.ring = new KeyRing(settings.deviceKeys);
  }

  /**
   * After a login. A device that is known goes on under its id, any other gets one.
   *
   * @param presented whatever the device sent as its token
   * @throws RedisUnavailableError (one more may be remembered, whose token nobody has); TypeError for a user id of
   * another shape
   */
  async remember(userId: string, presented?: unknown): Promise<RememberedDevice> {
    const shown = readDeviceToken(this.ring, presented);
    const old = shown?.userId === userId ? shown : undefined;
    const fresh: DeviceToken = { userId, deviceId: newDeviceId() };
    const args = [
      this.settings.deviceLifeMs,
      MOST_DEVICES,
      this.ring.digest(DIGEST, fresh.deviceId),
      ...(old ? this.digests(old) : []),
    ];
    const kept = await rememberDevice.run(this.redis, [keyOf(userId)], args);
    const device = kept && old ? old : fresh;
    return { deviceId: device.deviceId, token: writeDeviceToken(this.ring, device) };
  }

  /**
   * Whether a token is of a known device of this user. Redis is asked about the user of the token, whoever is asked for,
   * so that the time tells nothing about the account.
   *
   * @param userId undefined: nobody has the account
   * @param presented whatever the device sent as its token
   * @returns the id of the device; undefined where it is not known
   * @throws RedisUnavailableError
   */
  async isKnown(userId: string | undefined, presented: unknown): Promise<string | undefined> {
    const device = readDeviceToken(this.ring, presented);
    if (!device) return undefined;
    const args = [this.settings.deviceLifeMs, ...this.digests(device)];
    const known = await knowDevice.run(this.redis, [keyOf(device.userId)], args);
    return known && device.userId === userId ? device.deviceId : undefined;
  }

  /** @throws RedisUnavailableError; asking again is safe */
  async forget(userId: string, deviceId: string): Promise<void> {
    await this.redis.zrem(keyOf(userId), ...this.digests({ deviceId }));
  }

  /** @throws RedisUnavailableError; asking again is safe */
  async forgetAll(userId: string): Promise<void> {
    await this.redis.unlink(keyOf(userId));
  }

  private digests({ deviceId }: Pick<DeviceToken, 'deviceId'>): string[] {
    return this.ring.digests(DIGEST, deviceId);
  }
}

/** One hash tag per user, as the sessions have it. @throws TypeError for an id that is no UUID: it would be part of a name */
function keyOf(userId: string): string {
  if (!isUserId(userId)) throw new TypeError('The id of a user is a UUID');
  return `auth:{${userId}}:dv`;
}
