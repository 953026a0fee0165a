import { randomBytes } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Settings } from './config/index.js';
import { DatabaseSettings, type FeatureDatabase, type Sql, getDatabaseToken } from './database/index.js';
import { Administrators, Passwords, Tenants, type User, Users, normalizeEmail } from './identity/index.js';

const CUSTOMER = 'demo@example.com';
const ADMINISTRATOR = 'admin@example.com';
const TENANT = 'Acme';
/** Who has given the rights, in the security event. */
const BY_DEMO = 'demo';

/** Somebody who can log in to a demo. */
export interface DemoAccount {
  readonly email: string;
  /** Undefined where the account was there before, in a database that outlives the demo. */
  readonly password: string | undefined;
}

/** Opens the account whose billing events come in. @throws DatabaseUnavailableError */
export async function openAccount(
  app: NestFastifyApplication,
): Promise<DemoAccount & { readonly tenantId: string }> {
  const tenants = app.get(Tenants, { strict: false });
  const { user, account } = await open(app, CUSTOMER);
  const personal = (await tenants.membershipsOf(user.id)).find((membership) => membership.personal);
  if (!personal) throw new Error('The account of the demo has no tenant of its own');
  const { tenantId } = personal;
  await tenants.rename({ userId: user.id, tenantId }, TENANT);
  return { ...account, tenantId };
}

/**
 * Opens an administrator, whom no command line could make: SQL in memory is this process's alone. Its password is shown
 * on the terminal and nowhere else, since the page of the console tells that of the other account to everybody.
 *
 * @returns undefined where SQL outlives the demo, and an administrator of it would as well
 * @throws DatabaseUnavailableError
 */
export async function openAdministrator(app: NestFastifyApplication): Promise<DemoAccount | undefined> {
  const { url, folder } = app.get(Settings).of(DatabaseSettings);
  if (url !== undefined || folder !== undefined) return undefined;
  const administrators = app.get(Administrators, { strict: false });
  const { account } = await open(app, ADMINISTRATOR, async (tx, { id }) => {
    await administrators.grant(tx, id, BY_DEMO);
  });
  return account;
}

async function open(
  app: NestFastifyApplication,
  email: string,
  also: (tx: Sql, user: User) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly user: User; readonly account: DemoAccount }> {
  const users = app.get(Users, { strict: false });
  const db = app.get<FeatureDatabase>(getDatabaseToken('auth'), { strict: false });
  const address = normalizeEmail(email);
  if (!address) throw new Error('An address of the demo is none');
  const password = randomBytes(12).toString('base64url');
  const phc = await app.get(Passwords, { strict: false }).hashNew(password, address.key);
  const { user, created } = await db.transaction(async (tx) => {
    const registered = await users.register(tx, address, phc);
    await users.verifyEmail(tx, registered.user.id, address.key);
    if (registered.created) await also(tx, registered.user);
    return registered;
  });
  return { user, account: { email, password: created ? password : undefined } };
}
