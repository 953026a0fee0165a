import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { DynamicModule, Type } from '@nestjs/common';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../kernel/errors.js';
import { Secret } from '../kernel/redact.js';
import { parseDurationMs } from '../kernel/time.js';
import { ConfigModule } from './config.module.js';
import { SettingsError } from './fault.js';
import type { Environment } from './profile.js';
import { type ModuleWithSettings, type RuleContext, SETTINGS_SOURCE } from './registration.js';
import { judge, loadSettings, registrationsOf } from './settings-loader.js';
import { EnvVariable, variablesOf } from './variable.decorator.js';

class Kitchen {
  @EnvVariable('OVENS', { doc: 'How many ovens there are, 1 to 8', default: '2' })
  @IsInt()
  @Min(1)
  @Max(8)
  ovens!: number;

  @EnvVariable('GAS', { doc: 'true: the ovens burn gas', default: 'false' })
  gas!: boolean;

  @EnvVariable('BAKING_TIME', { doc: 'How long a loaf bakes', default: '40m', parse: parseDurationMs })
  bakingMs!: number;

  @EnvVariable('FLOUR', { doc: 'rye or wheat', example: 'rye' })
  @IsOptional()
  @IsIn(['rye', 'wheat'])
  flour?: string;
}

class Safe {
  @EnvVariable('SAFE_CODE', { doc: 'Opens the safe', file: true })
  @IsOptional()
  code?: Secret;

  @EnvVariable('SAFE_LABEL', { doc: 'Stands on the safe', file: true })
  @IsOptional()
  label?: string;

  rules({ profile, settings }: RuleContext) {
    const { code } = settings.of(Safe);
    if (profile !== 'production' || (code && code.reveal().length >= 8)) return [];
    return [{ variable: 'SAFE_CODE', rule: 'has fewer than 8 characters', remedy: 'Choose a longer one' }];
  }
}

class Till {
  @EnvVariable('_COINS', { doc: 'Coins in the till' })
  @IsOptional()
  @IsInt()
  coins?: number;
}

class Shop {}

const shop = (...types: Type<object>[]): DynamicModule => ({
  module: Shop,
  imports: types.map((type) => ConfigModule.forFeature(type)),
});

const tills: ModuleWithSettings = {
  module: class Tills {},
  [SETTINGS_SOURCE]: {
    registrations: () => [
      { type: Till, prefix: 'LEFT_TILL', purpose: 'left' },
      { type: Till, prefix: 'RIGHT_TILL' },
    ],
  },
};

async function faultsOf(env: Environment, root = shop(Kitchen, Safe)): Promise<readonly string[]> {
  try {
    await loadSettings(root, env);
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.report().split('\n').slice(1);
  }
}

describe('settings', () => {
  let folder: string;
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bulkhead-settings-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('take their defaults, converted like a value', async () => {
    const settings = await loadSettings(shop(Kitchen), {});
    expect(settings.of(Kitchen)).toEqual({ ovens: 2, gas: false, bakingMs: 2_400_000 });
  });

  it('take their values by name', async () => {
    const env = { OVENS: '8', GAS: 'yes', BAKING_TIME: '90s', FLOUR: 'rye', UNKNOWN: 'x' };
    const settings = await loadSettings(shop(Kitchen), env);
    expect(settings.of(Kitchen)).toEqual({ ovens: 8, gas: true, bakingMs: 90_000, flour: 'rye' });
    expect(settings.byVariable()).toEqual({ OVENS: 8, GAS: true, BAKING_TIME: 90_000, FLOUR: 'rye' });
  });

  it('count an empty text as unset, as a compose file writes it', async () => {
    const settings = await loadSettings(shop(Kitchen, Safe), {
      OVENS: '',
      GAS: '',
      FLOUR: '',
      SAFE_CODE: '',
    });
    expect(settings.of(Kitchen)).toEqual({ ovens: 2, gas: false, bakingMs: 2_400_000 });
    expect(settings.of(Safe).code).toBeUndefined();
  });

  it.each(['x', '1,5', '0x8', '1e1', '-', 'NaN', 'Infinity', '8 ovens'])(
    'refuse the number %j',
    async (text) => {
      expect(await faultsOf({ OVENS: text })).toEqual([
        '  - OVENS: must be a number. Correct it: How many ovens there are, 1 to 8.',
      ]);
    },
  );

  it.each([
    ['9', 'must not be greater than 8'],
    ['0', 'must not be less than 1'],
    ['1.5', 'must be an integer number'],
  ])('refuse the number %s out of bounds', async (text, rule) => {
    expect(await faultsOf({ OVENS: text })).toEqual([
      `  - OVENS: ${rule}. How many ovens there are, 1 to 8.`,
    ]);
  });

  it.each(['true', '1', 'yes', 'on', 'TRUE'])('read %s as true', async (text) => {
    expect((await loadSettings(shop(Kitchen), { GAS: text })).of(Kitchen).gas).toBe(true);
  });

  it.each(['maybe', '2', 'truee', ' true'])('refuse the boolean %j', async (text) => {
    expect(await faultsOf({ GAS: text })).toEqual([
      '  - GAS: must be true or false. Correct it: true: the ovens burn gas.',
    ]);
  });

  it.each(['5 parsecs', '-1s', '1.5h', 's'])('refuse the duration %j', async (text) => {
    expect(await faultsOf({ BAKING_TIME: text })).toEqual([
      '  - BAKING_TIME: must be a number of milliseconds, or a duration such as 5s or 2m. Correct it: How long a loaf bakes.',
    ]);
  });

  it('report all faults of all classes in one list', async () => {
    const env = { OVENS: 'x', GAS: 'x', BAKING_TIME: 'x', FLOUR: 'oat', SAFE_CODE_FILE: join(folder, 'no') };
    const faults = await faultsOf(env);
    expect(faults.map((line) => line.slice(4, line.indexOf(':')))).toEqual([
      'OVENS',
      'GAS',
      'BAKING_TIME',
      'FLOUR',
      'SAFE_CODE_FILE',
    ]);
  });

  it('end the process with a code of their own', async () => {
    const error = new SettingsError([{ variable: 'A', purpose: 'p', rule: 'is odd', remedy: 'Even it' }]);
    expect(error.exitCode).toBe(EXIT.config);
    expect(error.report()).toBe('Refusing to start: 1 configuration fault.\n  - A (p): is odd. Even it.');
  });

  it('are judged together as well, without what follows from a field that is broken itself', async () => {
    const env = { APP_PROFILE: 'production', SAFE_CODE: 's3cret' };
    expect(await faultsOf(env)).toEqual(['  - SAFE_CODE: has fewer than 8 characters. Choose a longer one.']);
    expect(await faultsOf({ ...env, OVENS: 'x' })).toHaveLength(2);
    expect(await faultsOf({ ...env, APP_PROFILE: 'test' })).toEqual([]);
    expect(await faultsOf({ ...env, APP_PROFILE: 'tset' })).toHaveLength(1);
    expect(await faultsOf({ ...env, SAFE_CODE: '', SAFE_CODE_FILE: join(folder, 'no') })).toEqual([
      expect.stringContaining('SAFE_CODE_FILE: names a file that cannot be read'),
    ]);
  });

  it('never show a secret, however they fail and however they are printed', async () => {
    const env = {
      SAFE_CODE: 's3cret',
      SAFE_CODE_FILE: file('code', 's3cret'),
      SAFE_LABEL_FILE: folder,
      GAS: 's3cret',
      FLOUR: 's3cret',
    };
    const error: unknown = await loadSettings(shop(Kitchen, Safe), env).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SettingsError);
    expect((error as SettingsError).faults).toHaveLength(4);
    const shown = [
      inspect(error, { depth: 9, showHidden: true }),
      JSON.stringify(error),
      (error as SettingsError).report(),
    ];
    expect(shown.join('\n')).not.toContain('s3cret');
    const settings = await loadSettings(shop(Safe), { SAFE_CODE: 's3cret' });
    expect(inspect([settings, settings.byVariable()], { depth: 9, showHidden: true })).not.toContain(
      's3cret',
    );
    expect(settings.of(Safe).code?.reveal()).toBe('s3cret');
  });

  describe('under a prefix', () => {
    const root: DynamicModule = { module: Shop, imports: [tills] };

    it('are told apart by it', async () => {
      const settings = await loadSettings(root, { LEFT_TILL_COINS: '3', RIGHT_TILL_COINS: '4' });
      expect(settings.of(Till, 'LEFT_TILL').coins).toBe(3);
      expect(settings.of(Till, 'RIGHT_TILL').coins).toBe(4);
      expect(settings.has(Till)).toBe(false);
    });

    it('name the whole variable in a fault, and the purpose where there is one', async () => {
      const faults = await faultsOf({ LEFT_TILL_COINS: '1.5', RIGHT_TILL_COINS: 'x' }, root);
      expect(faults[0]).toMatch(/^ {2}- LEFT_TILL_COINS \(left\): must be an integer number\./);
      expect(faults[1]).toMatch(/^ {2}- RIGHT_TILL_COINS: must be a number\./);
    });
  });

  describe('in classes', () => {
    it('of one name from two files are two classes', async () => {
      const other = (() => {
        class Till {
          @EnvVariable('TILL_COLOUR', { doc: 'Colour of the till', default: 'red' })
          colour!: string;
        }
        return Till;
      })();
      const one = (() => {
        class Till {
          @EnvVariable('TILL_SIZE', { doc: 'Size of the till', default: '1' })
          size!: number;
        }
        return Till;
      })();
      const settings = await loadSettings(shop(one, other), {});
      expect(settings.of(one)).toEqual({ size: 1 });
      expect(settings.of(other)).toEqual({ colour: 'red' });
    });

    it('that extend another have its variables, and it does not get theirs', () => {
      class Bakery extends Kitchen {
        @EnvVariable('LOAVES', { doc: 'Loaves a day', default: '100' })
        loaves!: number;
      }
      const names = (type: object): string[] => variablesOf(type).map(({ name }) => name);
      expect(names(Bakery)).toEqual(['OVENS', 'GAS', 'BAKING_TIME', 'FLOUR', 'LOAVES']);
      expect(names(Kitchen)).toEqual(['OVENS', 'GAS', 'BAKING_TIME', 'FLOUR']);
    });

    it('used by two modules are read and reported once', async () => {
      const twice: DynamicModule = { module: Shop, imports: [shop(Kitchen), shop(Kitchen)] };
      expect(await faultsOf({ OVENS: 'x' }, twice)).toHaveLength(1);
    });

    it('that nobody registered are a mistake in the program and say how to mend it', async () => {
      const settings = await loadSettings(shop(Kitchen), {});
      expect(() => settings.of(Safe)).toThrow('import ConfigModule.forFeature(Safe)');
    });
  });

  describe('of a profile', () => {
    const profileOf = (env: Environment): string => judge([], env).settings.profile;

    it.each([
      [{}, 'development'],
      [{ NODE_ENV: 'production' }, 'production'],
      [{ NODE_ENV: 'test' }, 'development'],
      [{ APP_PROFILE: 'staging', NODE_ENV: 'production' }, 'staging'],
      [{ APP_PROFILE: '', NODE_ENV: 'production' }, 'production'],
    ])('%j are those of %s', (env, profile) => expect(profileOf(env)).toBe(profile));

    it('that does not exist are the strictest, and the name is a fault', async () => {
      expect(profileOf({ APP_PROFILE: 'tset' })).toBe('production');
      expect(await faultsOf({ APP_PROFILE: 'tset' })).toEqual([
        '  - APP_PROFILE: must be one of demo, test, development, staging, production. Correct the name.',
      ]);
      expect(profileOf({ APP_PROFILE: 'constructor' })).toBe('production');
    });
  });

  it('are listed once per class and prefix', () => {
    expect(registrationsOf([tills, tills]).map(({ prefix }) => prefix)).toEqual(['LEFT_TILL', 'RIGHT_TILL']);
  });
});
