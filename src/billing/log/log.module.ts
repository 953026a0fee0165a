import { Module } from '@nestjs/common';
import { ConfigModule } from '../../config/index.js';
import { DatabaseModule } from '../../database/index.js';
import { RedisModule } from '../../redis/index.js';
import { BillingLogSettings } from './billing-log.config.js';
import { BillingMarks, MARKS_DATABASE } from './billing-marks.js';
import { EventLogModule } from './event-log.module.js';
import { LogServer } from './log-server.js';
import { Retention } from './retention.js';
import { RunIdWatch } from './run-id-watch.js';

/** What happened, kept in the billingEvents Redis: the log, the tenants' streams, and how long they live. */
@Module({
  imports: [
    ConfigModule.forFeature(BillingLogSettings),
    DatabaseModule.forFeature(MARKS_DATABASE.name, { connections: MARKS_DATABASE.connections }),
    RedisModule.forPurpose('billingEvents'),
    RedisModule.forInspection(),
    EventLogModule,
  ],
  providers: [Retention, BillingMarks, LogServer, RunIdWatch],
  exports: [EventLogModule, RunIdWatch],
})
export class LogModule {}
