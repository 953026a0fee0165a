import { inspect } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../../src/app.module.js';
import { createHttpApp } from '../../../src/app.setup.js';
import type { Environment } from '../../../src/config/index.js';
import { StartupError } from '../../../src/kernel/errors.js';
import { NO_FEATURES } from '../../support/no-features.js';

export interface Refusal {
  readonly error: StartupError;
  /** Lines of the report behind its heading. */
  readonly lines: readonly string[];
  /** Everything that a careless caller could print: report, inspection, JSON, log. */
  readonly everything: string;
}

/** The real application as main.ts puts it together, without a team's features. Nothing is closed here when it refuses, as in main.ts. */
export async function start(env: Environment, log: string[] = []): Promise<NestFastifyApplication> {
  const app = await createHttpApp(AppModule.register({ env, ...NO_FEATURES }), { logger: collector(log) });
  await app.init();
  return app;
}

export async function refusalOf(env: Environment): Promise<Refusal> {
  const log: string[] = [];
  try {
    const app = await start(env, log);
    await app.close();
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    const report = error.report();
    const seen = [
      report,
      inspect(error, { depth: 10, showHidden: true }),
      JSON.stringify(error),
      String(error),
    ];
    return {
      error,
      lines: report.split('\n').slice(1),
      everything: [...seen, ...log].join('\n'),
    };
  }
  throw new Error('The application started');
}

/** Takes what the code says before any redaction, so that a masked leak still counts as one. */
function collector(log: string[]): LoggerService {
  const take = (...parts: unknown[]): void => {
    log.push(inspect(parts, { depth: 10 }));
  };
  return { log: take, warn: take, error: take, debug: take, verbose: take, fatal: take };
}
