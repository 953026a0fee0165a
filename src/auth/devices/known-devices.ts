import { Injectable } from '@nestjs/common';
import { KeyRing } from '../../kernel/key-ring.js';
import { isUuid } from '../../kernel/uuid.js';
import { InjectRedis, LuaScript, type PurposeRedis } from '../../redis/index.js';
import { AuthSettings } from '../auth.config.js';
import { type DeviceToken, newDeviceId, readDeviceToken, writeDeviceToken } from './device-token.js';

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

/** Whose device it is. A `User` is one. */
export interface DeviceOwner {
  /** A UUID. */
  readonly id: string;
  /** Grows in SQL when every device is forgotten at once; what was remembered under an older one is not known. */
  readonly deviceEpoch: number;
}

/** Stands for the epoch of nobody, so that Redis is asked the same. No owner has it. */
const NO_EPOCH = 0;

export interface RememberedDevice {
  readonly deviceId: string;
  /** For a cookie or a header of the device; holds until it is forgotten, or not used for AUTH_DEVICE_LIFE_MS. */
  readonly token: string;
}

/**
 * Devices that owners have logged in with, in authCache: a login from one of them is not held up by what strangers do to
 * the account. One key per user, of digests; twenty devices at most, the oldest go. The digests are made with the epoch
 * that SQL has: where it grows, every device is a stranger, whether Redis can be told or not.
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
  async remember({ id: userId, deviceEpoch }: DeviceOwner, presented?: unknown): Promise<RememberedDevice> {
    const shown = readDeviceToken(this.ring, presented);
    const old = shown?.userId === userId ? shown : undefined;
    const fresh: DeviceToken = { userId, deviceId: newDeviceId() };
    const args = [
      this.settings.deviceLifeMs,
      MOST_DEVICES,
      this.ring.digest(DIGEST, nameOf(fresh, deviceEpoch)),
      ...(old ? this.digests(old, deviceEpoch) : []),
    ];
    const kept = await rememberDevice.run(this.redis, [keyOf(userId)], args);
    const device = kept && old ? old : fresh;
    return { deviceId: device.deviceId, token: writeDeviceToken(this.ring, device) };
  }

  /**
   * Whether a token is of a known device of this user. Redis is asked about the user of the token, whoever is asked for,
   * so that the time tells nothing about the account.
   *
   * @param owner undefined: nobody has the account
   * @param presented whatever the device sent as its token
   * @returns the id of the device; undefined where it is not known
   * @throws RedisUnavailableError
   */
  async isKnown(owner: DeviceOwner | undefined, presented: unknown): Promise<string | undefined> {
    const device = readDeviceToken(this.ring, presented);
    if (!device) return undefined;
    const args = [this.settings.deviceLifeMs, ...this.digests(device, owner?.deviceEpoch ?? NO_EPOCH)];
    const known = await knowDevice.run(this.redis, [keyOf(device.userId)], args);
    return known && device.userId === owner?.id ? device.deviceId : undefined;
  }

  /** @throws RedisUnavailableError; asking again is safe */
  async forget({ id, deviceEpoch }: DeviceOwner, deviceId: string): Promise<void> {
    await this.redis.zrem(keyOf(id), ...this.digests({ deviceId }, deviceEpoch));
  }

  /** For the sake of memory, after the epoch has grown. @throws RedisUnavailableError; asking again is safe */
  async forgetAll(userId: string): Promise<void> {
    await this.redis.unlink(keyOf(userId));
  }

  private digests(device: Pick<DeviceToken, 'deviceId'>, deviceEpoch: number): string[] {
    return this.ring.digests(DIGEST, nameOf(device, deviceEpoch));
  }
}

function nameOf({ deviceId }: Pick<DeviceToken, 'deviceId'>, deviceEpoch: number): string {
  return `${deviceEpoch} ${deviceId}`;
}

/** One hash tag per user, as the sessions have it. @throws TypeError for an id that is no UUID: it would be part of a name */
function keyOf(userId: string): string {
  if (!isUuid(userId)) throw new TypeError('The id of a user is a UUID');
  return `auth:{${userId}}:dv`;
}
