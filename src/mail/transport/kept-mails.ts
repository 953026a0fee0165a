import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Clock } from '../../kernel/time.js';
import type { MailTransport, OutgoingMail } from './mail-transport.js';
import { readable } from './readable-part.js';

export interface KeptMail {
  readonly messageId: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly sentAt: string;
}

/** More would be a leak in a demo that runs for days. */
const MOST_KEPT = 200;

/** As a mail server would have it; there is nothing to wait for but a disk. */
const MOST_AT_ONCE = 2;
const LONGEST_MS = 30_000;

/** Stands for the mail server in local profiles: keeps the last mails to be looked at, and writes files if told to. */
export class KeptMails implements MailTransport {
  readonly mostAtOnce = MOST_AT_ONCE;
  readonly longestMs = LONGEST_MS;
  private readonly mails: KeptMail[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly folder: string | undefined,
  ) {}

  /** The newest first, 200 at most. */
  list(): readonly KeptMail[] {
    return [...this.mails].reverse();
  }

  async send(mail: OutgoingMail): Promise<void> {
    const { messageId, to, subject, text, html, headers } = mail;
    const sentAt = new Date(this.clock.nowMs()).toISOString();
    if (this.folder !== undefined) await this.write(this.folder, mail);
    this.mails.push({ messageId, to, subject, text, html, headers, sentAt });
    if (this.mails.length > MOST_KEPT) this.mails.shift();
  }

  close(): void {
    // Nothing is open.
  }

  private async write(folder: string, mail: OutgoingMail): Promise<void> {
    const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
    const { message } = await composer.sendMail({
      ...mail,
      text: readable('text/plain', mail.text),
      html: readable('text/html', mail.html),
      headers: { ...mail.headers },
    });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const name = mail.messageId.replace(/[^a-zA-Z0-9-]/g, '').slice(0, 36);
    // Written beside and renamed: who watches the folder never reads half a mail.
    await writeFile(join(folder, `.${name}`), message as Buffer, { mode: 0o600 });
    await rename(join(folder, `.${name}`), join(folder, `${name}.eml`));
  }
}
