import { Inject, Injectable, Logger } from '@nestjs/common';
import { PublicUrlSettings } from '../config/index.js';
import { KeyRing } from '../kernel/key-ring.js';
import { render } from './mail-content.js';
import { openEnvelope } from './mail-envelope.js';
import { MailTemplates } from './mail-templates.js';
import { MailSettings } from './mail.config.js';
import { MAIL_TRANSPORT } from './mail.tokens.js';
import { MailFailure, type MailTransport } from './transport/mail-transport.js';

/** A mail as it waits in the outbox. */
export interface WaitingMail {
  readonly id: string;
  readonly template: string;
  readonly sealed: string;
}

/** From what lies in the outbox to what is handed over. */
@Injectable()
export class MailDelivery {
  private readonly logger = new Logger('Mail');
  private readonly keys: KeyRing;

  constructor(
    private readonly settings: MailSettings,
    private readonly place: PublicUrlSettings,
    private readonly templates: MailTemplates,
    @Inject(MAIL_TRANSPORT) private readonly transport: MailTransport,
  ) {
    this.keys = new KeyRing(settings.outboxKey);
  }

  get mostAtOnce(): number {
    return this.transport.mostAtOnce;
  }

  /** Of the transport, milliseconds. */
  get longestMs(): number {
    return this.transport.longestMs;
  }

  /** @throws MailFailure */
  async send({ id, template: name, sealed }: WaitingMail, signal: AbortSignal): Promise<void> {
    const template = this.templates.find(name);
    // Written by another version of the application; one that knows it may still come.
    if (!template) throw new MailFailure('unknown-template', false);
    const envelope = openEnvelope(this.keys, sealed);
    if (!envelope) {
      this.logger.error('A mail was sealed under a key that is gone. Put it back into MAIL_OUTBOX_KEY.', {
        id,
      });
      throw new MailFailure('unknown-key', false);
    }
    const { publicUrl } = this.place;
    const mail = {
      ...render(template.compose(envelope.values as never), publicUrl),
      messageId: `<${id}@${publicUrl.hostname}>`,
      from: this.settings.from,
      to: envelope.to,
      headers: envelope.headers,
    };
    await this.transport.send(mail, signal);
  }

  close(): void {
    this.transport.close();
  }
}
