// @ts-check
/**
 * A process that does what the table `mail_outbox` says is due: prints the id of each row that it begins with, and
 * ends each one, or none (`hang`), until it is killed.
 *
 * Usage: node worker-process.mjs <folder of the build> <url> <leaseMs> done|hang
 */
import 'reflect-metadata';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [, , dist = '', url = '', leaseMs = '', manner = ''] = process.argv;
/** @type {(path: string) => Promise<Record<string, any>>} */
const built = (path) => import(pathToFileURL(join(dist, path)).href);

const { Module } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
const { ConfigModule } = await built('config/index.js');
const { DatabaseModule, DueWorker, getDatabaseToken } = await built('database/index.js');
const { TelemetryModule, Metrics, CLOCK } = await built('telemetry/index.js');
const { mailOutbox } = await built('mail/mail.tables.js');

class Root {}
Module({})(Root);
const imports = [TelemetryModule, DatabaseModule.forFeature('mail', { connections: 2 })];
const config = await ConfigModule.forRoot(
  { module: Root, imports },
  { APP_PROFILE: 'test', DATABASE_URL: url },
);
const root = { module: Root, imports: [config, ...imports] };
const app = await NestFactory.createApplicationContext(root, { logger: false });

const worker = new DueWorker({
  name: 'mail',
  database: app.get(getDatabaseToken('mail'), { strict: false }),
  table: mailOutbox,
  clock: app.get(CLOCK, { strict: false }),
  metrics: app.get(Metrics, { strict: false }),
  pollMs: 50,
  leaseMs: Number(leaseMs),
  /** @type {(row: { id: string }) => Promise<void>} */
  perform: async ({ id }) => {
    process.stdout.write(`${id}\n`);
    if (manner === 'hang') await new Promise(() => undefined);
  },
});
worker.start();
process.stdout.write('started\n');
setInterval(() => undefined, 1000);
