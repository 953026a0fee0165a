import { Command, CommanderError } from 'commander';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { addAdminCreateCommand } from '../../src/cli/admin-create.command.js';
import { addAdminRevokeCommand } from '../../src/cli/admin-revoke.command.js';
import type { Application } from '../../src/cli/cli-context.js';
import { type Environment, SettingsError, dynamicModulesOf, settingsIn } from '../../src/config/index.js';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import {
  Administrators,
  IdentityModule,
  Passwords,
  SecurityEvents,
  Users,
  normalizeEmail,
} from '../../src/identity/index.js';
import { RedisTestingModule } from '../../src/redis/redis-testing.module.js';
import { freshDatabase } from '../support/postgres.js';

const PASSWORD = 'lantern oyster hill';
const silent = { log: () => undefined, warn: () => undefined, error: () => undefined };

let url = '';
let app: TestingModule;
beforeAll(async () => {
  url = await freshDatabase();
  const imports = [await RedisTestingModule.forFeatures([IdentityModule], { env: { DATABASE_URL: url } })];
  app = await Test.createTestingModule({ imports }).setLogger(silent).compile();
  await app.init();
});
afterAll(() => app.close());

const application = (env: Environment): Application => ({
  modules: () => dynamicModulesOf(AppModule.house()),
  async start() {
    try {
      const house = await AppModule.register({ env });
      const modules = await dynamicModulesOf(house);
      return { modules, settings: settingsIn(modules) };
    } catch (error) {
      if (error instanceof SettingsError) return { refusal: error };
      throw error;
    }
  },
});

interface Call {
  /** `create` when unset. */
  readonly command?: string;
  readonly words: readonly string[];
  readonly password?: string;
  readonly env?: Environment;
}

/** One command line, with everything that was printed. */
async function create({ command = 'create', words, password = PASSWORD, env }: Call) {
  const printed = { out: '', err: '' };
  let code = -1;
  let asked = 0;
  const program = new Command().exitOverride().configureOutput({
    writeErr: (text) => void (printed.err += text),
    writeOut: (text) => void (printed.out += text),
  });
  const context = {
    version: '0.0.0',
    environment: {},
    output: {
      out: (text: string) => void (printed.out += text),
      err: (text: string) => void (printed.err += text),
    },
    application: () => Promise.resolve(application(env ?? { APP_PROFILE: 'test', DATABASE_URL: url })),
  };
  const input = {
    newPassword: () => {
      asked += 1;
      return Promise.resolve(password);
    },
  };
  addAdminCreateCommand(program, context, (finished) => (code = finished), input);
  addAdminRevokeCommand(program, context, (finished) => (code = finished));
  try {
    await program.parseAsync([command, ...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    code = error.exitCode;
  }
  return { code, asked, ...printed };
}

const users = () => app.get(Users, { strict: false });
const found = async (email: string) => users().byEmailKey(normalizeEmail(email)?.key ?? '');
const isAdministrator = (userId: string) => app.get(Administrators, { strict: false }).has(userId);

async function register(email: string) {
  const address = normalizeEmail(email);
  if (!address) throw new Error('no address');
  const phc = await app.get(Passwords, { strict: false }).hashNew(PASSWORD, address.key);
  const db = app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
  return await db.transaction(async (tx) => (await users().register(tx, address, phc)).user);
}

describe('admin create', () => {
  it('opens a verified account that administers, whose password works', async () => {
    const { code, out, err } = await create({ words: ['--email', 'Root@Example.com'] });
    const user = await found('root@example.com');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(`Root@Example.com administers this installation (user ${user?.id}).`);
    expect(user).toMatchObject({ verified: true, disabled: false });
    expect(await isAdministrator(user?.id ?? '')).toBe(true);
    expect(await app.get(Passwords, { strict: false }).verify(user?.id, PASSWORD)).toBe('match');
    expect(await app.get(SecurityEvents, { strict: false }).listOf(user?.id ?? '')).toMatchObject([
      { kind: 'administrator-granted', facts: { by: 'command line' } },
    ]);
  });

  it('does not touch an account that is there, and asks for no password', async () => {
    const user = await register('there@example.com');
    const { code, asked, err } = await create({
      words: ['-e', 'THERE@example.com'],
      password: 'of an attacker ok',
    });
    expect({ code, asked }).toEqual({ code: 64, asked: 0 });
    expect(err).toContain('--existing');
    expect(await isAdministrator(user.id)).toBe(false);
    expect(await app.get(Passwords, { strict: false }).verify(user.id, PASSWORD)).toBe('match');
  });

  it('gives the rights to an account that is there once its address is verified', async () => {
    const user = await register('promoted@example.com');
    const words = ['-e', 'promoted@example.com', '--existing'];
    const refused = await create({ words });
    expect(refused).toMatchObject({ code: 64, asked: 0 });
    expect(refused.err).toContain('nobody has verified');
    expect(await isAdministrator(user.id)).toBe(false);
    const db = app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    await db.transaction((tx) => users().verifyEmail(tx, user.id, user.emailKey));
    expect(await create({ words })).toMatchObject({ code: 0, asked: 0 });
    expect(await create({ words })).toMatchObject({ code: 0 });
    expect(await isAdministrator(user.id)).toBe(true);
  });

  it('gives none to a disabled account, and none to an address without one', async () => {
    const user = await register('disabled@example.com');
    await users().disable(user.id);
    expect((await create({ words: ['-e', 'disabled@example.com', '--existing'] })).err).toContain(
      'is disabled',
    );
    expect((await create({ words: ['-e', 'absent@example.com', '--existing'] })).err).toContain('no account');
    expect(await found('absent@example.com')).toBeUndefined();
  });

  it.each([
    ['a short password', 'short', /fewer than 15/],
    ['a common password', 'passwordpassword', /Many people use/],
    ['the name in the address', 'weak-root is my password', /name in the e-mail/],
  ])('refuses %s, and opens nothing', async (_, password, message) => {
    const { code, err } = await create({ words: ['-e', 'weak-root@example.com'], password });
    expect(code).toBe(64);
    expect(err).toMatch(message);
    expect(err).not.toContain(password);
    expect(await found('weak-root@example.com')).toBeUndefined();
  });

  it.each([
    ['no address', [], /--email/],
    ['what is no address', ['-e', 'root'], /no e-mail address/],
    ['a password as an argument', ['-e', 'a@example.com', PASSWORD], /too many arguments/],
    ['a password as an option', ['-e', 'a@example.com', '--password', PASSWORD], /unknown option/],
  ])('shows the usage for %s', async (_, words, message) => {
    const { err } = await create({ words });
    expect(err).toMatch(message);
    expect(await found('a@example.com')).toBeUndefined();
  });

  it('ends with 69 where SQL is away, and names the server without its user and password', async () => {
    const env = { APP_PROFILE: 'test', DATABASE_URL: 'postgres://user:canary@127.0.0.1:1/none' };
    const { code, err, asked } = await create({ words: ['-e', 'root2@example.com'], env });
    expect({ code, asked }).toEqual({ code: 69, asked: 0 });
    expect(err).toContain('- DATABASE_URL (sql): postgres://127.0.0.1:1/none: ');
    expect(err).toContain('(refused). Correct the address, or start the server');
    expect(err).not.toMatch(/canary|user:/);
  });

  it('does not make an administrator of a database that ends with the command', async () => {
    const { code, err } = await create({ words: ['-e', 'root3@example.com'], env: { APP_PROFILE: 'demo' } });
    expect(code).toBe(64);
    expect(err).toContain('DATABASE_FOLDER');
  });

  it('names what is wrong with the settings, as a start would', async () => {
    const env = {
      APP_PROFILE: 'test',
      DATABASE_URL: url,
      PASSWORD_HASH_PASSES: '1',
      PASSWORD_HASH_MEMORY_KIB: '19456',
    };
    const { code, err } = await create({ words: ['-e', 'root4@example.com'], env });
    expect(code).toBe(78);
    expect(err).toContain('PASSWORD_HASH_PASSES');
  });
});

describe('admin revoke', () => {
  const revoke = (...words: string[]) => create({ command: 'revoke', words });

  it('takes the rights back, ends the sessions, and leaves the account as it is', async () => {
    await create({ words: ['-e', 'former@example.com'] });
    const user = await found('former@example.com');
    const id = user?.id ?? '';
    const { code, out, err } = await revoke('--email', 'Former@Example.com');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(`Former@Example.com does not administer this installation any more (user ${id}).`);
    expect(await isAdministrator(id)).toBe(false);
    expect(await users().epochOf(id)).toBe((user?.tokenEpoch ?? 0) + 1);
    expect(await app.get(Passwords, { strict: false }).verify(id, PASSWORD)).toBe('match');
    expect((await app.get(SecurityEvents, { strict: false }).listOf(id))[0]).toMatchObject({
      kind: 'administrator-revoked',
      facts: { by: 'command line' },
    });
  });

  it('says so where there is nothing to take', async () => {
    const user = await register('ordinary@example.com');
    const answers = [
      await revoke('-e', 'ordinary@example.com'),
      await revoke('-e', 'absent@example.com'),
      await revoke('-e', 'root'),
    ];
    expect(answers.map(({ code }) => code)).toEqual([64, 64, 64]);
    const [ordinary, absent, none] = answers.map(({ err }) => err);
    expect(ordinary).toContain('does not administer');
    expect(absent).toContain('no account');
    expect(none).toContain('no e-mail address');
    expect(await users().epochOf(user.id)).toBe(user.tokenEpoch);
  });
});
