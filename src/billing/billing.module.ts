import { Module } from '@nestjs/common';
import { LogModule } from './log/log.module.js';
import { OpsModule } from './ops/ops.module.js';
import { Projector } from './projector/projector.js';
import { ProjectorModule } from './projector/projector.module.js';
import { LogReader } from './stream/log-reader.js';
import { WebhookModule } from './webhook/webhook.module.js';
import { StreamModule } from './stream/stream.module.js';

/** Billing events: taken from Stripe once, kept in order, projected into SQL, and told to browsers as they happen. */
@Module({ imports: [LogModule, WebhookModule, ProjectorModule, StreamModule, OpsModule] })
export class BillingModule {
  constructor(reader: LogReader, projector: Projector) {
    reader.onEntries(() => projector.nudge());
  }
}
