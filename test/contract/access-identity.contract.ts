import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { UserNotFoundError, Users, normalizeEmail } from '../../src/identity/index.js';
import { Secret } from '../../src/kernel/redact.js';
import { freshDatabase } from '../support/postgres.js';
import { type AccessApp, logIn, openAccessApp } from './access.rig.js';
import { withEngine } from './support/engine.js';

/** The same questions as of the ledger, asked of SQL: PGlite, or PostgreSQL on the real engine. */
withEngine('A session of a user in SQL', (engine) => {
  let access: AccessApp;
  let users: Users;
  beforeAll(async () => {
    const env = { AUTH_CACHE_REDIS_URL: `redis://127.0.0.1:${engine.port}` };
    const sql = engine.name === 'real' ? { DATABASE_URL: await freshDatabase() } : {};
    access = await openAccessApp({ env: { ...env, ...sql } });
    users = access.app.get(Users, { strict: false });
    // The embedded database is opened by its first use, which takes seconds.
    await users.byEmailKey('nobody@example.com');
  });
  afterAll(() => access.app.close());

  const register = async (name: string) => {
    const address = normalizeEmail(`${name}@example.com`);
    if (!address) throw new Error(`${name} makes no address`);
    const db = access.app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    return (await db.transaction((tx) => users.register(tx, address, new Secret('no hash')))).user;
  };
  const statusOf = async (authorization: string) =>
    (await access.get('/v1/probe/me', authorization)).statusCode;

  it('ends with all others, and not again for the next login', async () => {
    const { id: userId, tokenEpoch: epoch } = await register('ada');
    const login = await logIn(access, { userId, epoch });
    expect(await statusOf(login.authorization)).toBe(200);
    const next = await access.sessions.revokeAll(userId);
    expect(await users.epochOf(userId)).toBe(next);
    expect(await statusOf(login.authorization)).toBe(401);
    const again = await logIn(access, { userId, epoch: next });
    expect(await statusOf(again.authorization)).toBe(200);
  });

  it('goes on when only the mirror of the epoch is lost', async () => {
    const { id: userId, tokenEpoch: epoch } = await register('grace');
    const { authorization } = await logIn(access, { userId, epoch });
    await engine.redis.del(`auth:{${userId}}:ep`);
    expect(await statusOf(authorization)).toBe(200);
    expect(await engine.redis.get(`auth:{${userId}}:ep`)).toMatch(new RegExp(`^${epoch}:\\d+$`));
  });

  it('ends with the account, whether Redis was told or not', async () => {
    const { id: userId, tokenEpoch: epoch } = await register('linus');
    const { authorization } = await logIn(access, { userId, epoch });
    await users.disable(userId);
    await engine.redis.del(`auth:{${userId}}:ep`);
    expect(await statusOf(authorization)).toBe(401);
  });

  it('of a user that never was cannot be ended, nor used', async () => {
    const { userId, authorization } = await logIn(access, {});
    await expect(access.sessions.revokeAll(userId)).rejects.toThrow(UserNotFoundError);
    await engine.redis.del(`auth:{${userId}}:ep`);
    expect(await statusOf(authorization)).toBe(401);
  });
});
