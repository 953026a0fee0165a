import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigModule } from '../../src/config/index.js';
import { DatabaseModule, type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { KeptMails, MailModule, MailOutbox, type MailTemplate } from '../../src/mail/index.js';
import { TelemetryModule } from '../../src/telemetry/index.js';

export const GREETING: MailTemplate<{ readonly token: string }> = {
  name: 'greeting',
  compose: ({ token }) => ({ subject: 'Hello', parts: [{ label: 'Go on', path: '/go', token }] }),
};

const imports = [
  TelemetryModule,
  DatabaseModule.forRoot(),
  DatabaseModule.forFeature('admin', { connections: 2 }),
  MailModule.forFeature([GREETING]),
];
class Root {}

/** Mails and their database, as an application has them. */
export interface MailHouse {
  readonly app: INestApplicationContext;
  readonly db: FeatureDatabase;
  readonly outbox: MailOutbox;
  readonly kept: KeptMails;
  send(token: string): Promise<void>;
}

export async function openMailHouse(env: Readonly<Record<string, string>>): Promise<MailHouse> {
  const config = await ConfigModule.forRoot({ module: Root, imports }, { APP_PROFILE: 'test', ...env });
  const root = { module: Root, imports: [config, ...imports] };
  const app = await NestFactory.createApplicationContext(root as never, {
    logger: false,
    abortOnError: false,
  });
  const db = app.get<FeatureDatabase>(getDatabaseToken('admin'), { strict: false });
  const outbox = app.get(MailOutbox, { strict: false });
  const send = (token: string) =>
    db.transaction((tx) => outbox.add(tx, { template: GREETING, to: 'ann@example.com', values: { token } }));
  return { app, db, outbox, kept: app.get(KeptMails, { strict: false }), send };
}
