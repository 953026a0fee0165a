import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IsOptional } from 'class-validator';
import { afterAll, describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { ConfigModule } from './config.module.js';
import { loadSettings } from './settings-loader.js';
import { EnvVariable } from './variable.decorator.js';

class Safe {
  @EnvVariable('SAFE_CODE', { doc: 'Opens the safe', file: true })
  @IsOptional()
  code?: Secret;

  @EnvVariable('SAFE_LABEL', { doc: 'Stands on the safe', file: true })
  @IsOptional()
  label?: string;
}

describe('settings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-kept-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('remember which of them came from a file, for whoever looks at it again', async () => {
    const path = join(folder, 'code');
    writeFileSync(path, 's3cret');
    const root = { module: class Shop {}, imports: [ConfigModule.forFeature(Safe)] };
    const settings = await loadSettings(root, { SAFE_CODE_FILE: path, SAFE_LABEL: 'A' });
    expect(settings.of(Safe).code?.reveal()).toBe('s3cret');
    expect([settings.fileOf('SAFE_CODE'), settings.fileOf('SAFE_LABEL')]).toEqual([path, undefined]);
  });
});
