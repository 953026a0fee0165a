import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Sql } from '../database/index.js';
import { KeyRing } from '../kernel/key-ring.js';
import type { Clock } from '../kernel/time.js';
import { CLOCK } from '../telemetry/index.js';
import { MailCourier } from './mail-courier.js';
import type { MailTemplate } from './mail-content.js';
import { sealEnvelope } from './mail-envelope.js';
import { MailSettings } from './mail.config.js';
import { mailOutbox } from './mail.tables.js';

export interface NewMail<Values> {
  readonly template: MailTemplate<Values>;
  /** One plain address. */
  readonly to: string;
  /** What JSON can say. */
  readonly values: Values;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Most transactions have committed by then; what a slower one adds is found by the next look. */
const COMMITTED_BY_MS = 20;

/** Where features leave their mails. */
@Injectable()
export class MailOutbox {
  private readonly keys: KeyRing;

  constructor(
    { outboxKey }: MailSettings,
    private readonly courier: MailCourier,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.keys = new KeyRing(outboxKey);
  }

  /**
   * Adds a mail to the transaction: it leaves if that commits, and never otherwise. At least once: a process that dies
   * between the server's yes and the note of it leaves the mail to another one, which sends it with the same Message-ID.
   *
   * @throws TypeError for an address or header that is not one line: a programming error
   */
  async add<Values>(tx: Sql, { template, to, values, headers = {} }: NewMail<Values>): Promise<void> {
    const sealed = sealEnvelope(this.keys, { to, values, headers });
    await tx.insert(mailOutbox).values({ id: randomUUID(), template: template.name, sealed });
    this.clock.after(COMMITTED_BY_MS, () => this.courier.nudge());
  }
}
