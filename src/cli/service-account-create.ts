import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { assertForPrograms } from '../auth/service-accounts/service-scopes.js';
import { Settings, readBounded } from '../config/index.js';
import { DatabaseModule, DatabaseStatus } from '../database/index.js';
import { IdentityModule, type NewServiceAccount, ServiceAccounts } from '../identity/index.js';
import { AppError, EXIT, StartupError } from '../kernel/errors.js';
import { TelemetryModule } from '../telemetry/index.js';
import { type ExitCode, UsageError } from './cli-context.js';
import type { Output } from './output.js';

const MOST_KEY_BYTES = 16 * 1024;

class SettingsModule {}

@Module({
  imports: [TelemetryModule, DatabaseModule.forRoot(), DatabaseModule.forInspection(), IdentityModule],
})
class ServiceAccountModule {}

/** @throws UsageError where the file cannot be read; whether it is a key is judged with the account */
export function publicKeyIn(path: string): string {
  try {
    return readBounded(path, MOST_KEY_BYTES).toString('utf8');
  } catch {
    throw new UsageError('--public-key-file must be a readable file with an Ed25519 public key (SPKI PEM)');
  }
}

/** @throws UsageError where the database would end with the command */
export async function createServiceAccount(
  account: NewServiceAccount,
  settings: Settings,
  output: Output,
): Promise<ExitCode> {
  try {
    assertForPrograms(account.scopes);
    return await inContainer(account, settings, output);
  } catch (error) {
    if (error instanceof StartupError) return refuse(output, error.report(), error.exitCode);
    if (!(error instanceof AppError) || error.status === 500) throw error;
    return refuse(output, error.message, error.status === 503 ? EXIT.unavailable : EXIT.usage);
  }
}

async function inContainer(
  account: NewServiceAccount,
  settings: Settings,
  output: Output,
): Promise<ExitCode> {
  const context = await NestFactory.createApplicationContext(houseOf(settings), {
    logger: false,
    abortOnError: false,
  });
  try {
    if (context.get(DatabaseStatus, { strict: false }).snapshot().address === 'memory')
      throw new UsageError(
        'the database of this profile lives in the memory of one process; set DATABASE_URL',
      );
    const { id, name } = await context.get(ServiceAccounts, { strict: false }).create(account);
    output.out(`${name} may ask for tokens (service account ${id}).`);
    return EXIT.ok;
  } finally {
    await context.close();
  }
}

/** Not the whole house: no server of Redis is needed to open an account. */
function houseOf(settings: Settings): DynamicModule {
  const given: DynamicModule = {
    module: SettingsModule,
    global: true,
    providers: [{ provide: Settings, useValue: settings }],
    exports: [Settings],
  };
  return { module: ServiceAccountModule, imports: [given] };
}

function refuse(output: Output, text: string, code: ExitCode): ExitCode {
  output.err(text);
  return code;
}
