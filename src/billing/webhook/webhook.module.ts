import { Module } from '@nestjs/common';
import { ConfigModule } from '../../config/index.js';
import { DatabaseModule } from '../../database/index.js';
import { HttpModule } from '../../http/index.js';
import { IdentityModule } from '../../identity/index.js';
import { RateLimitModule } from '../../rate-limit/index.js';
import { LogModule } from '../log/log.module.js';
import { ProjectorModule } from '../projector/projector.module.js';
import { BillingPressure } from './billing-pressure.js';
import { CUSTOMERS_DATABASE, CustomerTenants } from './customer-tenants.js';
import { CustomersController } from './customers.controller.js';
import { Delivery } from './delivery.js';
import { Ingest } from './ingest.js';
import { StripeSignatures } from './stripe-signatures.js';
import { BillingBacklogSettings, StripeWebhookSettings } from './webhook.config.js';
import { StripeWebhookController } from './webhook.controller.js';

/** What Stripe sends: verified, given to a tenant, and kept in the log once. */
@Module({
  imports: [
    ConfigModule.forFeature(StripeWebhookSettings),
    ConfigModule.forFeature(BillingBacklogSettings),
    DatabaseModule.forFeature(CUSTOMERS_DATABASE.name, { connections: CUSTOMERS_DATABASE.connections }),
    HttpModule,
    IdentityModule,
    RateLimitModule,
    LogModule,
    ProjectorModule,
  ],
  controllers: [StripeWebhookController, CustomersController],
  providers: [StripeSignatures, CustomerTenants, Ingest, Delivery, BillingPressure],
  exports: [Ingest, CustomerTenants],
})
export class WebhookModule {}
