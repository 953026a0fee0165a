import { IsInt } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { ConfigModule, EnvVariable } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { checkEnvironment } from './env-check.js';

class ShopSettings {
  @EnvVariable('SHOP_TILLS', { doc: 'Tills that are open', default: '1' })
  @IsInt()
  tills!: number;

  @EnvVariable('SHOP_SAFE_CODE', { doc: 'Opens the safe', file: true })
  safeCode?: Secret;
}

const check = (text: string) => checkEnvironment([ConfigModule.forFeature(ShopSettings)], text);

describe('checkEnvironment', () => {
  it('finds nothing wrong with variables that are known', () => {
    const text = 'APP_PROFILE=staging\nSHOP_TILLS=3\n# SHOP_HOURS=9\nTZ=UTC\nCOMPOSE_PROJECT_NAME=shop\n';
    expect(check(text)).toEqual({ profile: 'staging', faults: [], warnings: [], ofProcess: [] });
  });

  it('judges as a start would: the process wins over the file', () => {
    const verdict = checkEnvironment([ConfigModule.forFeature(ShopSettings)], 'SHOP_TILLS=3\n', {
      NODE_ENV: 'production',
      SHOP_TILLS: 'many',
      PATH: '/bin',
      SHOP_TILS: '1',
    });
    expect(verdict).toMatchObject({
      profile: 'production',
      faults: [{ variable: 'SHOP_TILLS' }],
      warnings: [],
      ofProcess: ['NODE_ENV', 'SHOP_TILLS'],
    });
  });

  it('reports every fault at once', () => {
    const { faults } = check('APP_PROFILE=prod\nSHOP_TILLS=many\nSHOP_SAFE_CODE_FILE=/nowhere/at/all\n');
    expect(faults.map(({ variable }) => variable)).toEqual([
      'APP_PROFILE',
      'SHOP_TILLS',
      'SHOP_SAFE_CODE_FILE',
    ]);
  });

  it('says what a misspelt name may have meant', () => {
    expect(check('SHOP_TILS=3\nSHOP_SAFE_CODE_FIEL=/x\nLOYALTY=on\n').warnings).toEqual([
      'LOYALTY is not read by anything',
      'SHOP_SAFE_CODE_FIEL is not read by anything; is SHOP_SAFE_CODE_FILE meant?',
      'SHOP_TILS is not read by anything; is SHOP_TILLS meant?',
    ]);
  });

  it('does not repeat a line that is no assignment, since it may hold a password', () => {
    const { warnings } = check('redis://user:hunter2=@host\n');
    expect(warnings).toEqual(['a line is not of the form NAME=value']);
  });
});
