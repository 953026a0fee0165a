import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ConfigModule,
  type Environment,
  SettingsError,
  dynamicModulesOf,
  settingsIn,
} from '../config/index.js';
import { DatabaseModule } from './database.module.js';
import { planDatabase } from './database-plan.js';

class Root {}

async function settingsOf(env: Environment) {
  const imports = [DatabaseModule.forFeature('identity', { connections: 2 })];
  const config = await ConfigModule.forRoot({ module: Root, imports }, env);
  return settingsIn(await dynamicModulesOf({ module: Root, imports: [config, ...imports] }));
}

const plan = async (env: Environment) => planDatabase(await settingsOf(env), env);

async function faults(env: Environment): Promise<string[]> {
  const error = await settingsOf(env).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SettingsError)) return [];
  expect(error.report()).not.toContain('canary');
  return error.faults.map(({ variable, rule }) => `${variable} ${rule}`);
}

const PRODUCTION = { APP_PROFILE: 'production' };
const TLS_URL = 'postgres://app:canary@db.internal/app?sslmode=verify-full';

describe('the plan for SQL', () => {
  it.each([
    [{ APP_PROFILE: 'demo' }, { engine: 'pglite', source: 'profile demo' }],
    [{ APP_PROFILE: 'test' }, { engine: 'pglite', source: 'profile test' }],
    [
      { APP_PROFILE: 'development' },
      { engine: 'pglite', folder: '.bulkhead/database', source: 'profile development' },
    ],
    [
      { APP_PROFILE: 'demo', DATABASE_FOLDER: '/tmp/x' },
      { engine: 'pglite', folder: '/tmp/x', source: 'DATABASE_FOLDER' },
    ],
  ])('is the embedded engine where no URL is set: %j', async (env, expected) => {
    expect(await plan(env)).toEqual(expected);
  });

  it.each(['demo', 'test', 'development', 'staging', 'production'])(
    'is PostgreSQL where a URL is set: %s',
    async (profile) => {
      const found = await plan({ APP_PROFILE: profile, DATABASE_URL: TLS_URL });
      expect(found).toMatchObject({
        engine: 'postgres',
        target: { host: 'db.internal', port: 5432, database: 'app', tls: true },
        username: 'app',
        source: 'DATABASE_URL',
      });
      if (!('password' in found)) throw new Error('no plan');
      expect(await found.password()).toBe('canary');
    },
  );

  it('takes role and password from beside the URL', async () => {
    const url = 'postgres://db.internal/app?sslmode=require';
    const env = { DATABASE_URL: url, DATABASE_USERNAME: 'app', DATABASE_PASSWORD: 'canary' };
    expect(await plan({ ...PRODUCTION, ...env })).toMatchObject({ username: 'app' });
  });

  it.each([
    [{ ...PRODUCTION }, 'DATABASE_URL is not set, and production refuses the embedded engine'],
    [{ APP_PROFILE: 'staging', DATABASE_FOLDER: '/x' }, 'DATABASE_URL is not set, and staging refuses'],
    [
      { ...PRODUCTION, DATABASE_URL: 'postgres://app:canary@h/app' },
      'DATABASE_URL connects without TLS, which production refuses',
    ],
    [
      { ...PRODUCTION, DATABASE_URL: 'postgres://app@h/app?sslmode=verify-full' },
      'DATABASE_PASSWORD is not set, and there is neither a password',
    ],
    [
      { APP_PROFILE: 'test', DATABASE_URL: 'postgres://h/app' },
      'DATABASE_USERNAME is not set, and neither does DATABASE_URL name a role',
    ],
    [
      { APP_PROFILE: 'test', DATABASE_URL: TLS_URL, DATABASE_USERNAME: 'other' },
      'DATABASE_USERNAME names another role than DATABASE_URL',
    ],
    [
      { APP_PROFILE: 'test', DATABASE_URL: TLS_URL, DATABASE_PASSWORD: 'canary' },
      'DATABASE_PASSWORD is set although DATABASE_URL holds a password',
    ],
    [
      { APP_PROFILE: 'test', DATABASE_URL: TLS_URL, DATABASE_FOLDER: 'x' },
      'DATABASE_FOLDER is set beside DATABASE_URL',
    ],
    [
      { APP_PROFILE: 'test', DATABASE_URL: TLS_URL, DATABASE_TLS_CA_FILE: '/nowhere' },
      'DATABASE_TLS_CA_FILE names a file that cannot be read (ENOENT)',
    ],
    [
      { APP_PROFILE: 'test', DATABASE_URL: 'postgres://app:canary@h/app', DATABASE_TLS_CA_FILE: '/nowhere' },
      'DATABASE_TLS_CA_FILE is set although DATABASE_URL does not ask for TLS',
    ],
    [
      { APP_PROFILE: 'test', DATABASE_URL: TLS_URL, DATABASE_TLS_KEY_FILE: '/nowhere' },
      'DATABASE_TLS_CERT_FILE is not set although its counterpart is',
    ],
    [{ APP_PROFILE: 'test', DATABASE_URL: 'canary' }, 'DATABASE_URL is not a URL'],
  ])('refuses %j', async (env, rule) => {
    expect(await faults(env)).toContainEqual(expect.stringContaining(rule));
  });

  it('asks for nothing where no module uses SQL', async () => {
    const imports = [DatabaseModule.forRoot()];
    await expect(ConfigModule.forRoot({ module: Root, imports }, { ...PRODUCTION })).resolves.toBeDefined();
  });
});

describe('a password in a file', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bulkhead-sql-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const planWith = async (env: Environment) => {
    const found = await plan({ APP_PROFILE: 'test', ...env });
    if (!('password' in found)) throw new Error('no plan');
    return found.password;
  };

  it('is read again for each connection, and the last good one holds', async () => {
    const path = join(folder, 'password');
    writeFileSync(path, 'first');
    const env = { DATABASE_URL: 'postgres://app@h/app', DATABASE_PASSWORD_FILE: path };
    const password = await planWith(env);
    expect(await password()).toBe('first');
    writeFileSync(path, 'second');
    expect(await password()).toBe('second');
    for (const half of ['', 'third\n']) {
      writeFileSync(path, half);
      expect(await password()).toBe('second');
    }
    rmSync(path);
    expect(await password()).toBe('second');
  });

  it('may be that of a URL', async () => {
    const path = join(folder, 'url');
    writeFileSync(path, 'postgres://app:first@h/app');
    const password = await planWith({ DATABASE_URL_FILE: path });
    writeFileSync(path, 'postgres://app:second@h/app');
    expect(await password()).toBe('second');
    writeFileSync(path, 'not a url');
    expect(await password()).toBe('second');
  });
});
