import { join } from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, PublicUrlSettings, Settings, isLocal } from '../config/index.js';
import { DatabaseModule } from '../database/index.js';
import type { Clock } from '../kernel/time.js';
import { CLOCK } from '../telemetry/index.js';
import { MailBacklog } from './mail-backlog.js';
import { MailCourier } from './mail-courier.js';
import { MailDelivery } from './mail-delivery.js';
import { MailHousekeeping } from './mail-housekeeping.js';
import { MailOutbox } from './mail-outbox.js';
import type { MailTemplate } from './mail-content.js';
import { MailTemplates } from './mail-templates.js';
import { MailSettings } from './mail.config.js';
import { MAIL_TRANSPORT } from './mail.tokens.js';
import { KeptMails } from './transport/kept-mails.js';
import { mailServerOf } from './transport/mail-server.js';
import type { MailTransport } from './transport/mail-transport.js';
import { SmtpTransport } from './transport/smtp-transport.js';

const CONNECTIONS = 2;

/** `forFeature` in every feature that sends mails, with its templates; gives MailOutbox. */
@Module({
  imports: [
    ConfigModule.forFeature(MailSettings),
    ConfigModule.forFeature(PublicUrlSettings),
    DatabaseModule.forFeature('mail', { connections: CONNECTIONS }),
  ],
  providers: [
    MailTemplates,
    MailDelivery,
    MailCourier,
    MailBacklog,
    MailHousekeeping,
    MailOutbox,
    {
      provide: KeptMails,
      inject: [MailSettings, Settings, CLOCK],
      useFactory: ({ folder }: MailSettings, { profile }: Settings, clock: Clock) =>
        new KeptMails(clock, folder ?? (profile === 'development' ? join('.bulkhead', 'outbox') : undefined)),
    },
    {
      provide: MAIL_TRANSPORT,
      inject: [MailSettings, Settings, KeptMails],
      useFactory: (
        { url, timeoutMs }: MailSettings,
        { profile }: Settings,
        kept: KeptMails,
      ): MailTransport =>
        url
          ? new SmtpTransport({ server: mailServerOf(url.reveal()), timeoutMs, demandTls: !isLocal(profile) })
          : kept,
    },
  ],
  exports: [MailOutbox, MailTemplates, KeptMails],
})
export class MailModule {
  static forFeature(templates: readonly MailTemplate<never>[]): DynamicModule {
    class MailFeatureModule {
      constructor(known: MailTemplates) {
        known.add(templates);
      }
    }
    Reflect.defineMetadata('design:paramtypes', [MailTemplates], MailFeatureModule);
    return { module: MailFeatureModule, imports: [MailModule], exports: [MailModule] };
  }
}
