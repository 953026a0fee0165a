import { IsOptional, Max, Min } from 'class-validator';
import { EnvVariable, type Fault, type RuleContext, type SettingsRules, isLocal } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { parseDurationMs } from '../kernel/time.js';
import { mailServerOf } from './transport/mail-server.js';

export class MailSettings implements SettingsRules {
  static readonly title = 'Mail';

  @EnvVariable('MAIL_URL', {
    doc: 'SMTP server, smtps://user:password@host:465 or smtp://…:587 (STARTTLS, demanded outside local profiles); unset locally: mails are kept in the outbox folder',
    example: 'smtps://bulkhead:password@mail.example.com:465',
    file: true,
    secret: true,
    parse: (text) => {
      mailServerOf(text);
      return text;
    },
  })
  @IsOptional()
  url?: Secret;

  @EnvVariable('MAIL_FROM', {
    doc: 'Address that mails come from',
    default: 'bulkhead@localhost.invalid',
    parse: (text) => {
      if (!/^[^\s<>@,;]+@[^\s<>@,;]+$/.test(text)) throw new Error('must be one plain address');
      return text;
    },
  })
  from!: string;

  @EnvVariable('MAIL_TIMEOUT_MS', {
    doc: 'A mail server has to answer each step within this, 1s to 60s; a mail has thirteen of them, and is another instance’s when all are over',
    default: '10s',
    parse: parseDurationMs,
  })
  @Min(1000)
  @Max(60_000)
  timeoutMs!: number;

  @EnvVariable('MAIL_OUTBOX_FOLDER', {
    doc: 'Where mails are written when there is no MAIL_URL, one .eml file each; unset: .bulkhead/outbox in development, else nowhere',
    example: '/var/tmp/outbox',
  })
  @IsOptional()
  folder?: string;

  @EnvVariable('MAIL_OUTBOX_KEY', {
    doc: 'Secrets under which mails wait in the database, newest,older: the first seals, all open',
    file: true,
    ownSecret: 'generated',
    ring: true,
  })
  outboxKey!: Secret;

  rules({ profile, env }: RuleContext): readonly Fault[] {
    if (isLocal(profile)) return [];
    const faults: Fault[] = [];
    if (!env.MAIL_URL && !env.MAIL_URL_FILE)
      faults.push({
        variable: 'MAIL_URL',
        rule: `must be set in ${profile}`,
        remedy: 'Give the SMTP server that sends your mails',
      });
    if (!env.MAIL_FROM)
      faults.push({
        variable: 'MAIL_FROM',
        rule: `must be set in ${profile}`,
        remedy: 'Give an address of a domain that your mail server may send for',
      });
    return faults;
  }
}
