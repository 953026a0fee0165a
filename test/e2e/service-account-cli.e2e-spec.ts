import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { runCli } from '../../src/cli/run.js';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { securityEvents } from '../../src/identity/identity.tables.js';
import { type Environment, dynamicModulesOf, settingsIn } from '../../src/config/index.js';
import { describeReal } from '../support/redis-availability.js';
import { freshDatabase } from '../support/postgres.js';
import { waitFor } from '../support/wait-for.js';
import { AuthHouse } from './auth/house.js';
import { Person } from './auth/person.js';

describeReal('The commands for service accounts', () => {
  let house: AuthHouse;
  let env: Environment;
  let folder = '';
  let tenantId = '';
  beforeAll(async () => {
    const databaseUrl = await freshDatabase();
    // What the command line signs is not ahead of its clock, so the wait after a first use is kept short.
    house = await AuthHouse.open({ databaseUrl, env: { SECURITY_TOKEN_NONCE_SKEW_MS: '500ms' } });
    env = { APP_PROFILE: 'test', DATABASE_URL: databaseUrl };
    folder = mkdtempSync(join(tmpdir(), 'service-cli-'));
    tenantId = (await (await Person.verified(house)).login()).tenantId;
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await house.close();
  });

  async function run(...words: string[]) {
    const printed = { out: '', err: '' };
    const code = await runCli(['service-account', ...words], {
      version: '0.0.0',
      environment: {},
      output: {
        out: (text: string) => void (printed.out += text),
        err: (text: string) => void (printed.err += text),
      },
      application: () =>
        Promise.resolve({
          modules: () => dynamicModulesOf(AppModule.house()),
          async start() {
            const modules = await dynamicModulesOf(await AppModule.register({ env }));
            return { modules, settings: settingsIn(modules) };
          },
        }),
    });
    return { code, ...printed };
  }
  /** Facts of the security events of accounts that were opened. */
  async function kept() {
    const db = house.first.app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    const rows = await db.run((sql) =>
      sql
        .select({ facts: securityEvents.facts })
        .from(securityEvents)
        .where(eq(securityEvents.kind, 'service-account-created')),
    );
    return rows.map(({ facts }) => facts);
  }
  const keys = (name: string) => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const [open, secret] = [join(folder, `${name}.pub`), join(folder, `${name}.key`)];
    writeFileSync(open, publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(secret, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    return { open, secret };
  };

  it('open an account and get it a token', async () => {
    const { open, secret } = keys('robot');
    const scopes = 'billing:read,status:manage';
    const account = ['-n', 'robot', '-t', tenantId, '-s', scopes, '-k', open];
    const made = await run('create', ...account);
    expect(made).toMatchObject({ code: 0, err: '' });
    const id = /service account (\S+)\)/.exec(made.out)?.[1];
    expect(await kept()).toContainEqual({ account: id, tenant: tenantId, actor: 'command line' });
    const sign = ['sign', '-a', 'robot', '-t', tenantId, '-k', secret, '-s', 'billing:read'];
    const send = () => run(...sign, '-u', house.first.origin, '--send');
    expect((await send()).err).toContain('replay-state-lost');
    const done = await waitFor(
      async () => {
        const answer = await send();
        return answer.code === 0 ? answer : undefined;
      },
      { what: 'a token for the command line', timeoutMs: 10_000, intervalMs: 100 },
    );
    expect(JSON.parse(done.out)).toMatchObject({ scope: 'billing:read', tenant_id: tenantId });
  });

  it.each([
    ['a private key', (name: string) => ['-s', 'billing:read', '-k', keys(name).secret], 'public_key must'],
    ['a scope of people', () => ['-s', 'users:admin'], 'for people'],
    ['a file that is not there', () => ['-s', 'billing:read', '-k', '/nowhere'], '--public-key-file'],
    ['no scope', () => ['-s', ''], 'scopes must'],
    ['a scope of no route', () => ['-s', 'billing:reed'], 'billing:manage, billing:read, status:manage'],
  ])('open none with %s', async (_, words, message) => {
    const { code, err } = await run('create', '-n', 'refused', '-t', tenantId, ...words('refused'));
    expect(code).toBe(64);
    expect(err).toContain(message);
    expect(err).not.toContain('PRIVATE');
  });

  it('warn of an account that nobody can verify', async () => {
    const { code, err } = await run('create', '-n', 'keyless', '-t', tenantId, '-s', 'billing:read');
    expect(code).toBe(0);
    expect(err).toContain('Warning: it has no public key, and VAULT_ADDR is not set here');
  });

  it('open none of a tenant that is not there', async () => {
    const nobody = '00000000-0000-4000-8000-000000000000';
    const before = await kept();
    expect((await run('create', '-n', 'refused', '-t', nobody, '-s', 'billing:read')).code).toBe(64);
    expect(await kept()).toEqual(before);
  });
});
