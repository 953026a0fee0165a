import { Module } from '@nestjs/common';
import { AccessModule } from '../../access/index.js';
import { ConfigModule } from '../../config/index.js';
import { DatabaseModule } from '../../database/index.js';
import { RedisModule } from '../../redis/index.js';
import { LogModule } from '../log/log.module.js';
import { BillingBacklog } from './billing-backlog.js';
import { Projection } from './projection.js';
import { Projector } from './projector.js';
import { ProjectorSettings } from './projector.config.js';
import { projectorStream } from './projector-group.js';
import { ProjectorNotes } from './projector-notes.js';
import { SnapshotController } from './snapshot.controller.js';
import { Snapshots } from './snapshots.js';

const CONNECTIONS = 4;

/** What is known of every tenant's billing, in SQL, as the log tells it. */
@Module({
  imports: [
    ConfigModule.forFeature(ProjectorSettings),
    RedisModule.forPurpose('billingEvents'),
    DatabaseModule.forFeature('billing', { connections: CONNECTIONS }),
    AccessModule,
    LogModule,
  ],
  controllers: [SnapshotController],
  providers: [projectorStream, Projection, Projector, BillingBacklog, ProjectorNotes, Snapshots],
  exports: [projectorStream, Projection, Projector, BillingBacklog],
})
export class ProjectorModule {}
