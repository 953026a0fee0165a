import { Module } from '@nestjs/common';
import { ConfigModule } from '../../config/index.js';
import { DatabaseModule } from '../../database/index.js';
import { HttpModule } from '../../http/index.js';
import { RedisModule } from '../../redis/index.js';
import { BillingLogSettings } from '../log/billing-log.config.js';
import { LogModule } from '../log/log.module.js';
import { ProjectorModule } from '../projector/projector.module.js';
import { ProjectorSettings } from '../projector/projector.config.js';
import { WebhookModule } from '../webhook/webhook.module.js';
import { BackfillController } from './backfill/backfill.controller.js';
import { ChangeBackfill } from './backfill/change-backfill.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { LagController } from './lag.controller.js';
import { BackfillSettings, ReplaySettings } from './ops.config.js';
import { opsProviders } from './ops.providers.js';
import { AppliedUpTo } from './replay/applied-up-to.js';
import { MissedReplay } from './replay/missed-replay.js';
import { ReplayController } from './replay/replay.controller.js';
import { StartReplay } from './replay/start-replay.js';

/** A share of its own would be the projector's twice: replays apply through it, and ask for no more. */
const CONNECTIONS = 4;

/** What operators do with billing events: fetch them from Stripe, tell them again, look after dead letters. */
@Module({
  imports: [
    ConfigModule.forFeature(BackfillSettings),
    ConfigModule.forFeature(ReplaySettings),
    ConfigModule.forFeature(BillingLogSettings),
    ConfigModule.forFeature(ProjectorSettings),
    RedisModule.forPurpose('billingEvents'),
    DatabaseModule.forFeature('billing', { connections: CONNECTIONS }),
    HttpModule,
    LogModule,
    WebhookModule,
    ProjectorModule,
  ],
  controllers: [BackfillController, ReplayController, DeadLettersController, LagController],
  providers: [...opsProviders, AppliedUpTo, MissedReplay, StartReplay, ChangeBackfill],
})
export class OpsModule {}
