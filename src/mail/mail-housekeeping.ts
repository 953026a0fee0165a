import { Inject, Injectable } from '@nestjs/common';
import { and, isNotNull, lt, or } from 'drizzle-orm';
import { ChoreRounds, FeatureDatabase, Housekeeping, InjectDatabase, forgetRows } from '../database/index.js';
import type { Clock } from '../kernel/time.js';
import { CLOCK } from '../telemetry/index.js';
import { mailOutbox } from './mail.tables.js';

/** Who says that a mail never came says so within a month; a row tells then whether and when it left. */
export const SETTLED_MAILS_MS = 30 * 24 * 3_600_000;

/** Forgets mails that were settled long ago: nothing of them is left but when and why. */
@Injectable()
export class MailHousekeeping extends Housekeeping {
  constructor(@InjectDatabase('mail') database: FeatureDatabase, @Inject(CLOCK) clock: Clock) {
    const { id, sentAt, failedAt, createdAt } = mailOutbox;
    const forget = (most: number): Promise<number> => {
      const before = new Date(clock.nowMs() - SETTLED_MAILS_MS);
      const where = and(or(isNotNull(sentAt), isNotNull(failedAt)), lt(createdAt, before));
      return forgetRows(database, { table: mailOutbox, primaryKey: id, where }, most);
    };
    super({ chores: [{ name: 'mails', forget }], rounds: new ChoreRounds(database), clock });
  }
}
