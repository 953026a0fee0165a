import type { Redis } from 'ioredis';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { AuthStoresModule } from '../../src/auth/auth-stores.module.js';
import { KnownDevices } from '../../src/auth/devices/known-devices.js';
import { Lockout } from '../../src/auth/lockout/lockout.js';
import { RefreshFamilies } from '../../src/auth/refresh/refresh-families.js';
import { FlowGate } from '../../src/auth/throttle/flow-gate.js';
import type { Flow, FlowSubjects } from '../../src/auth/throttle/flow-policies.js';
import { LoginGate } from '../../src/auth/throttle/login-gate.js';
import type { Environment } from '../../src/config/index.js';
import { RedisTestingModule } from '../../src/redis/index.js';
import { Metrics } from '../../src/telemetry/index.js';

export const USER = '0b9d3d3e-5a3c-4a44-9d3a-0d6c1f6f0a01';
export const OTHER_USER = '0b9d3d3e-5a3c-4a44-9d3a-0d6c1f6f0a02';
export const SESSION = '4c1f9f0e-0000-4000-8000-00000000a001';

/** The stores in an application of their own, in this process, on the server that the URL names. */
export class AuthRig {
  readonly families: RefreshFamilies;
  readonly lockout: Lockout;
  readonly devices: KnownDevices;
  readonly login: LoginGate;
  readonly flows: FlowGate;
  private readonly metrics: Metrics;

  private constructor(private readonly house: TestingModule) {
    this.families = house.get(RefreshFamilies, { strict: false });
    this.lockout = house.get(Lockout, { strict: false });
    this.devices = house.get(KnownDevices, { strict: false });
    this.login = house.get(LoginGate, { strict: false });
    this.flows = house.get(FlowGate, { strict: false });
    this.metrics = house.get(Metrics, { strict: false });
  }

  /** The budget of a call is longer than usual, so that a busy machine is not taken for a Redis that is away. */
  static async open(url: string, env: Environment = {}): Promise<AuthRig> {
    const imports = [
      await RedisTestingModule.forFeatures([AuthStoresModule.register()], {
        env: { AUTH_CACHE_REDIS_URL: url, AUTH_CACHE_REDIS_COMMAND_MS: '2000', ...env },
      }),
    ];
    const house = await Test.createTestingModule({ imports }).compile();
    await house.init();
    return new AuthRig(house);
  }

  close(): Promise<void> {
    return this.house.close();
  }

  /** Begins a flow whose work is done at once. */
  begin<F extends Flow>(flow: F, subjects: FlowSubjects<F>): Promise<void> {
    return this.flows.spendFor(flow, subjects, () => Promise.resolve());
  }

  /** The value of a series; 0 where there is none. */
  async metric(series: string): Promise<number> {
    const lines = (await this.metrics.registry.metrics()).split('\n');
    const line = lines.find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  }
}

/** Everything that a server holds, as texts: names, fields, members and values. */
export async function everythingIn(redis: Redis): Promise<string> {
  const texts: string[] = [];
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key);
    texts.push(key);
    if (type === 'hash') texts.push(JSON.stringify(await redis.hgetall(key)));
    else if (type === 'zset') texts.push(...(await redis.zrange(key, '0', '-1')));
    else texts.push((await redis.get(key)) ?? '');
  }
  return texts.join('\n');
}

/** Names of keys that would stay for good. */
export async function immortalKeys(redis: Redis): Promise<string[]> {
  const keys = await redis.keys('auth:*');
  const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
  return keys.filter((_, at) => (lives[at] ?? -1) < 0);
}

/** As if so much time had passed for a family of refresh tokens: every moment in it lies further back. */
export async function ageFamily(redis: Redis, familyId: string, ms: number): Promise<void> {
  const key = `auth:{rf:${familyId}}`;
  const { ends = '', idle = '', spent = '' } = await redis.hgetall(key);
  const older = spent.replace(/(?<=(?:^| )\d+\|)\d+/g, (moment) => String(Number(moment) - ms));
  await redis.hset(key, { ends: Number(ends) - ms, idle: Number(idle) - ms, spent: older });
}

/** As if so much time had passed for the lock of every account. */
export async function ageLocks(redis: Redis, ms: number): Promise<void> {
  for (const key of await redis.keys('auth:{lo:*')) await redis.hincrby(key, 'until', -ms);
}
