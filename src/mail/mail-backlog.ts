import { Inject, Injectable } from '@nestjs/common';
import { DueGauges, FeatureDatabase, InjectDatabase } from '../database/index.js';
import type { Clock } from '../kernel/time.js';
import { CLOCK, Metrics } from '../telemetry/index.js';
import { mailOutbox } from './mail.tables.js';

/** How many mails wait, and for how long: what a mail server that takes nothing looks like. */
@Injectable()
export class MailBacklog {
  readonly gauges: DueGauges;

  constructor(
    @InjectDatabase('mail') database: FeatureDatabase,
    @Inject(CLOCK) clock: Clock,
    metrics: Metrics,
  ) {
    this.gauges = new DueGauges({ name: 'mail', database, table: mailOutbox, clock, metrics });
  }
}
