import { Module } from '@nestjs/common';
import { ConfigModule } from '../../config/index.js';
import { RedisModule } from '../../redis/index.js';
import { BillingLogSettings } from './billing-log.config.js';
import { EventLog } from './event-log.js';
import { LogNotes } from './log-notes.js';

/** The log without what looks after it in the background; the command line, which is no instance, has this alone. */
@Module({
  imports: [ConfigModule.forFeature(BillingLogSettings), RedisModule.forPurpose('billingEvents')],
  providers: [EventLog, LogNotes],
  exports: [EventLog, LogNotes],
})
export class EventLogModule {}
