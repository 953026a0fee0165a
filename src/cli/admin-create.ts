import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Settings } from '../config/index.js';
import { DatabaseModule, DatabaseStatus } from '../database/index.js';
import { IdentityModule, normalizeEmail } from '../identity/index.js';
import { AppError, EXIT, StartupError } from '../kernel/errors.js';
import { TelemetryModule } from '../telemetry/index.js';
import { ADMIN_DATABASE, AdministratorMaker } from './administrator-maker.js';
import { type ExitCode, UsageError } from './cli-context.js';
import type { Output } from './output.js';
import type { PasswordInput } from './password-input.js';

export interface AdministratorRequest {
  readonly email: string;
  /** An account that is there already gets the rights, and no other. */
  readonly existing: boolean;
  readonly settings: Settings;
  readonly output: Output;
  readonly input: PasswordInput;
}

class SettingsModule {}

@Module({
  imports: [
    TelemetryModule,
    DatabaseModule.forRoot(),
    DatabaseModule.forFeature(ADMIN_DATABASE, { connections: 1 }),
    DatabaseModule.forInspection(),
    IdentityModule,
  ],
  providers: [AdministratorMaker],
})
class AdministratorModule {}

/** @throws UsageError where the address is none, or the account is not what the call says */
export async function createAdministrator(request: AdministratorRequest): Promise<ExitCode> {
  try {
    return await inContainer(request);
  } catch (error) {
    if (error instanceof StartupError) return refuse(request.output, error.report(), error.exitCode);
    if (!(error instanceof AppError) || error.status === 500) throw error;
    return refuse(request.output, error.message, error.status === 503 ? EXIT.unavailable : EXIT.usage);
  }
}

async function inContainer({
  email,
  existing,
  settings,
  output,
  input,
}: AdministratorRequest): Promise<ExitCode> {
  const address = normalizeEmail(email);
  if (!address) throw new UsageError('--email is no e-mail address');
  const house = houseOf(settings);
  const context = await NestFactory.createApplicationContext(house, { logger: false, abortOnError: false });
  try {
    assertKept(context.get(DatabaseStatus, { strict: false }).snapshot().address);
    const maker = context.get(AdministratorMaker, { strict: false });
    const id = await (existing ? maker.promote(address) : maker.open(address, input));
    output.out(`${address.email} administers this installation (user ${id}).`);
    return EXIT.ok;
  } finally {
    await context.close();
  }
}

function assertKept(address: string): void {
  if (address !== 'memory') return;
  throw new UsageError(
    'the database of this profile lives in the memory of one process and would be gone with this command; ' +
      'set DATABASE_URL, or DATABASE_FOLDER while the application is not running',
  );
}

/** Not the whole house: no server of Redis is needed to name an administrator. */
function houseOf(settings: Settings): DynamicModule {
  const given: DynamicModule = {
    module: SettingsModule,
    global: true,
    providers: [{ provide: Settings, useValue: settings }],
    exports: [Settings],
  };
  return { module: AdministratorModule, imports: [given] };
}

function refuse(output: Output, text: string, code: ExitCode): ExitCode {
  output.err(text);
  return code;
}
