/** The whole application in a process of its own, and a way to have many accounts in it without hashing for each. */
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../src/app.module.js';
import { createHttpApp } from '../../src/app.setup.js';
import { TokenIssuer } from '../../src/auth/login/token-issuer.js';
import type { Environment } from '../../src/config/index.js';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { Grants, Passwords, Users, normalizeEmail } from '../../src/identity/index.js';
import { NO_FEATURES } from '../../test/support/no-features.js';
import { serve } from '../helper.js';
import { pump } from '../rounds.js';

export const PASSWORD = 'lantern oyster hill';

export type AppOrder =
  | { readonly do: 'open'; readonly env: Environment }
  /** Accounts `<name><n>@example.org` whose password is PASSWORD. */
  | { readonly do: 'accounts'; readonly name: string; readonly count: number }
  /** Logs each of so many accounts in. @returns their refresh tokens */
  | { readonly do: 'logins'; readonly name: string; readonly count: number };

let app: NestFastifyApplication;
const users = new Map<string, string>();
let phc: Awaited<ReturnType<Passwords['hashNew']>> | undefined;

// Ends in order, so that `node --cpu-prof` writes what it has seen.
process.on('SIGTERM', () => process.exit(0));

serve<AppOrder>(async (order) => {
  switch (order.do) {
    case 'open':
      app = await createHttpApp(AppModule.register({ ...NO_FEATURES, env: order.env }));
      await app.listen(0, '127.0.0.1');
      return new URL(await app.getUrl()).port;
    case 'accounts':
      return openAccounts(order.name, order.count);
    case 'logins':
      return logIn(order.name, order.count);
  }
});

async function openAccounts(name: string, count: number): Promise<void> {
  const db = app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
  const accounts = app.get(Users, { strict: false });
  // One hash for all: each would cost what a login costs.
  phc ??= await app.get(Passwords, { strict: false }).hashNew(PASSWORD, 'nobody@example.org');
  const hash = phc;
  await pump(count, 4, async (n) => {
    const address = normalizeEmail(`${name}${n}@example.org`);
    if (!address) throw new Error(`${name}${n} is no name`);
    const { user } = await db.transaction((tx) => accounts.register(tx, address, hash));
    users.set(`${name}${n}`, user.id);
  });
}

async function logIn(name: string, count: number): Promise<string[]> {
  const [grants, issuer] = [app.get(Grants, { strict: false }), app.get(TokenIssuer, { strict: false })];
  const tokens: string[] = [];
  await pump(count, 8, async (n) => {
    const grant = await grants.find(users.get(`${name}${n}`) ?? '');
    if (!grant) throw new Error(`There is no account ${name}${n}`);
    const client = { address: '192.0.2.1', userAgent: 'bench' };
    const { refreshToken } = await issuer.begin(grant, { client, amr: ['pwd'], deviceToken: undefined });
    tokens.push(refreshToken);
  });
  return tokens;
}
