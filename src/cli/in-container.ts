import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Settings } from '../config/index.js';
import { DatabaseStatus } from '../database/index.js';
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
  /** Errors beside those of status 503 that pass by themselves. */
  readonly passes?: (error: AppError) => boolean;
}

/**
 * Runs a command in a container of its own that has SQL.
 *
 * @returns what `work` gives; of an error that people can do something about, its exit code, after it was printed
 * @throws UsageError where the database would end with the command
 */
export async function inContainer(
  { module, settings, output, passes }: Container,
  work: (container: INestApplicationContext) => Promise<ExitCode>,
): Promise<ExitCode> {
  const refuse = (text: string, code: ExitCode): ExitCode => {
    output.err(redactText(text));
    return code;
  };
  try {
    return await open(module, settings, work);
  } catch (error) {
    if (error instanceof StartupError) return refuse(error.report(), error.exitCode);
    if (!(error instanceof AppError) || error.status === 500) throw error;
    const waiting = error.status >= 502 || passes?.(error) === true;
    return refuse(error.message, waiting ? EXIT.unavailable : EXIT.usage);
  }
}

async function open(
  module: Type,
  settings: Settings,
  work: (container: INestApplicationContext) => Promise<ExitCode>,
): Promise<ExitCode> {
  const given = {
    module: SettingsModule,
    global: true,
    providers: [{ provide: Settings, useValue: settings }],
    exports: [Settings],
  };
  const house = { module: class CommandModule {}, imports: [given, module] };
  const container = await NestFactory.createApplicationContext(house, { logger: false, abortOnError: false });
  try {
    if (container.get(DatabaseStatus, { strict: false }).snapshot().address === 'memory')
      throw new UsageError(
        'the database of this profile lives in the memory of one process and would be gone with this command; ' +
          'set DATABASE_URL, or DATABASE_FOLDER while the application is not running',
      );
    return await work(container);
  } finally {
    await container.close();
  }
}
