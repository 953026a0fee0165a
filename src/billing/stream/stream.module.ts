import { Module } from '@nestjs/common';
import { AccessModule } from '../../access/index.js';
import { ConfigModule, PublicUrlSettings } from '../../config/index.js';
import { HttpModule } from '../../http/index.js';
import { IdentityModule } from '../../identity/index.js';
import { RateLimitModule } from '../../rate-limit/index.js';
import { RedisModule } from '../../redis/index.js';
import { SecurityTokensModule } from '../../security-tokens/index.js';
import { LogModule } from '../log/log.module.js';
import { AwaitedEntries } from './awaited-entries.js';
import { Channels } from './channels.js';
import { StreamDrain } from './drain.js';
import { Heartbeat } from './heartbeat.js';
import { HistoryController } from './history.controller.js';
import { Hub } from './hub.js';
import { LogReader } from './log-reader.js';
import { OpenStreams } from './open-streams.js';
import { PageReader } from './page-reader.js';
import { StreamAccess } from './stream-access.js';
import { BillingStreamSettings } from './stream.config.js';
import { StreamController, StreamTicketController } from './stream.controller.js';
import { StreamCookie } from './stream-cookie.js';
import { StreamMetrics } from './stream-metrics.js';
import { StreamOpener } from './stream-opener.js';
import { StreamTickets } from './stream-tickets.js';
import { Subscriptions } from './subscriptions.js';

/** Billing events to browsers, as they happen and from wherever they stopped; and their history. */
@Module({
  imports: [
    LogModule,
    AccessModule,
    IdentityModule,
    HttpModule,
    SecurityTokensModule,
    RateLimitModule,
    RedisModule.forPurpose('billingEvents'),
    RedisModule.forInspection(),
    ConfigModule.forFeature(BillingStreamSettings),
    ConfigModule.forFeature(PublicUrlSettings),
  ],
  controllers: [StreamController, StreamTicketController, HistoryController],
  providers: [
    LogReader,
    Hub,
    AwaitedEntries,
    Channels,
    PageReader,
    Subscriptions,
    OpenStreams,
    Heartbeat,
    StreamOpener,
    StreamAccess,
    StreamCookie,
    StreamTickets,
    StreamMetrics,
    StreamDrain,
  ],
  exports: [LogReader],
})
export class StreamModule {}
