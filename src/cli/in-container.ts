import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Settings, formatFaults } from '../config/index.js';
import { DatabaseModule, DatabaseStartupError, DatabaseStatus } from '../database/index.js';
import { AppError, EXIT, StartupError } from '../kernel/errors.js';
import { redactText } from '../kernel/redact.js';
import { type ExitCode, UsageError } from './cli-context.js';
import type { Output } from './output.js';

class SettingsModule {}

export interface Container {
  /** What the command works with, and nothing else: the rest of the house needs servers that the command does not. */
  readonly module: Type;
  readonly settings: Settings;
  readonly output: Output;
  /** The module has no SQL, and the command answers while that is away. */
  readonly withoutSql?: boolean;
  /** Errors beside those of status 503 that pass by themselves. */
  readonly passes?: (error: AppError) => boolean;
  /** What to do about an error that does not say it itself: a sentence. */
  readonly remedyOf?: (error: AppError) => string | undefined;
}

/**
 * Runs a command in a container of its own, which has SQL unless it says otherwise.
 *
 * @returns what `work` gives; of an error that people can do something about, its exit code, after it was printed
 * @throws UsageError where the database would end with the command
 */
export async function inContainer(
  house: Container,
  work: (container: INestApplicationContext) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { output, passes, remedyOf } = house;
  const refuse = (text: string, code: ExitCode): ExitCode => {
    output.err(redactText(text));
    return code;
  };
  try {
    return await open(house, work);
  } catch (error) {
    if (error instanceof DatabaseStartupError)
      return refuse(['Nothing was done.', ...formatFaults(error.faults)].join('\n'), error.exitCode);
    if (error instanceof StartupError) return refuse(error.report(), error.exitCode);
    if (!(error instanceof AppError) || error.status === 500) throw error;
    const waiting = error.status >= 502 || passes?.(error) === true;
    const text = [error.message, remedyOf?.(error)].filter(Boolean).join(' ');
    return refuse(text, waiting ? EXIT.unavailable : EXIT.usage);
  }
}

async function open(
  { module, settings, withoutSql = false }: Container,
  work: (container: INestApplicationContext) => Promise<ExitCode>,
): Promise<ExitCode> {
  const given = {
    module: SettingsModule,
    global: true,
    providers: [{ provide: Settings, useValue: settings }],
    exports: [Settings],
  };
  // Without SQL there is nothing that it could do: it ends with the cause instead of with its first call.
  if (!withoutSql) DatabaseModule.require(settings);
  const house = { module: class CommandModule {}, imports: [given, module] };
  const container = await NestFactory.createApplicationContext(house, { logger: false, abortOnError: false });
  try {
    if (!withoutSql && container.get(DatabaseStatus, { strict: false }).snapshot().address === 'memory')
      throw new UsageError(
        'the database of this profile lives in the memory of one process and would be gone with this command; ' +
          'set DATABASE_URL, or DATABASE_FOLDER while the application is not running',
      );
    return await work(container);
  } finally {
    await container.close();
  }
}
