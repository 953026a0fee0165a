import { type LoggerService, Module, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { DatabaseModule, type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import {
  IdentityModule,
  Passwords,
  type Role,
  Tenants,
  type User,
  Users,
  normalizeEmail,
} from '../../src/identity/index.js';
import type { Secret } from '../../src/kernel/redact.js';
import { RedisTestingModule } from '../../src/redis/redis-testing.module.js';
import { freshDatabase } from '../support/postgres.js';

/** Two passes over 19 MiB: the least that the settings take. */
const CHEAP = { PASSWORD_HASH_MEMORY_KIB: '19456', PASSWORD_HASH_PASSES: '2' };

export const PASSWORD = 'lantern oyster hill';
/** The id of no user, tenant or anything. */
export const NOBODY = '6f1c2f0e-7d7b-4a0e-9b59-000000000000';
export const NO_IDS = [
  ['nothing', ''],
  ['a word', 'x'],
  ['a name of JavaScript', '__proto__'],
  ['NUL', '\u0000'],
  ['SQL', "'; drop table users; --"],
  ['one digit too many', `${NOBODY}0`],
  ['a long text', 'a'.repeat(100_000)],
  ['an id that nothing has', NOBODY],
] as const;

/** Warnings and errors of this process, each as JSON. */
export const logged: string[] = [];
const keep = (...parts: unknown[]): void => void logged.push(JSON.stringify(parts));
const log: LoggerService = { log: () => undefined, warn: keep, error: keep };

/** The identity of an application, on a database of its own: PGlite, or PostgreSQL where the run asks for it. */
export class IdentityRig {
  private known: Secret | undefined;

  private constructor(private readonly app: TestingModule) {}

  static async open(env: Readonly<Record<string, string>> = {}): Promise<IdentityRig> {
    const url = process.env.ENGINE === 'real' ? { DATABASE_URL: await freshDatabase() } : {};
    const imports = [
      await RedisTestingModule.forFeatures([IdentityRigModule], { env: { ...CHEAP, ...url, ...env } }),
    ];
    const app = await Test.createTestingModule({ imports }).setLogger(log).compile();
    await app.init();
    return new IdentityRig(app);
  }

  get db(): FeatureDatabase {
    return this.app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
  }

  get<T>(type: Type<T>): T {
    return this.app.get(type, { strict: false });
  }

  /** @returns undefined where the user is no member of the tenant */
  async roleIn(tenantId: string, userId: string): Promise<Role | undefined> {
    const own = await this.get(Tenants).membershipsOf(userId);
    return own.find((one) => one.tenantId === tenantId)?.role;
  }

  /** Registers as a caller would; the address is one that nobody has. */
  async user(name: string, password = PASSWORD): Promise<User> {
    const address = addressOf(name);
    const phc = await this.hashed(password, address.key);
    const { user } = await this.db.transaction((tx) => this.get(Users).register(tx, address, phc));
    return user;
  }

  /** Most users share a password, and hashing is slow on purpose. */
  private async hashed(password: string, emailKey: string): Promise<Secret> {
    if (password !== PASSWORD) return await this.get(Passwords).hashNew(password, emailKey);
    return (this.known ??= await this.get(Passwords).hashNew(PASSWORD, 'somebody@example.com'));
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}

@Module({ imports: [DatabaseModule.forRoot(), IdentityModule] })
class IdentityRigModule {}

export function addressOf(name: string) {
  const address = normalizeEmail(`${name}@example.com`);
  if (!address) throw new Error(`${name} makes no address`);
  return address;
}
