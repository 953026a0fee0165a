import { Module } from '@nestjs/common';
import { AccessModule } from '../access/index.js';
import { ConfigModule, PublicUrlSettings } from '../config/index.js';
import { DatabaseModule } from '../database/index.js';
import { HttpModule } from '../http/index.js';
import { MailModule } from '../mail/index.js';
import { RedisModule } from '../redis/index.js';
import { SecurityTokensModule } from '../security-tokens/index.js';
import { ChallengeCall } from './deliveries/challenge-call.js';
import { Delivering } from './deliveries/delivering.js';
import { DeliveryBacklog } from './deliveries/delivery-backlog.js';
import { DeliveryWorker } from './deliveries/delivery-worker.js';
import { IncidentCall } from './deliveries/incident-call.js';
import { IncidentMail } from './deliveries/incident-mail.js';
import { WebhookRecord } from './deliveries/webhook-record.js';
import { IncidentsController } from './incidents/incidents.controller.js';
import { Incidents } from './incidents/incidents.js';
import { OneClickForms } from './one-click.js';
import { SealedTargets } from './sealed-targets.js';
import { StatusSettings } from './status.config.js';
import { StatusEvents } from './status-events.js';
import { StatusHousekeeping } from './status-housekeeping.js';
import { STATUS_MAILS } from './status.mails.js';
import { ConsentRequest } from './subscriptions/consent-request.js';
import { Confirming } from './subscriptions/confirming.js';
import { SubscribeGate } from './subscriptions/subscribe-gate.js';
import { Subscribing } from './subscriptions/subscribing.js';
import { SubscriptionStore } from './subscriptions/subscription-store.js';
import { ConsentController, SubscribeController } from './subscriptions/subscriptions.controller.js';
import { TenantSubscriptionsController } from './subscriptions/tenant-subscriptions.controller.js';
import { UnsubscribeLinks } from './subscriptions/unsubscribe-links.js';
import { Unsubscribing } from './subscriptions/unsubscribing.js';
import { HostResolver } from './webhooks/host-resolver.js';
import { WebhookSender } from './webhooks/webhook-sender.js';

/** Alerts about incidents, by mail and webhook, for whoever has agreed to get them. */
@Module({
  imports: [
    AccessModule,
    HttpModule,
    SecurityTokensModule,
    RedisModule.forPurpose('securityTokens'),
    ConfigModule.forFeature(StatusSettings),
    ConfigModule.forFeature(PublicUrlSettings),
    DatabaseModule.forFeature('status', { connections: 3 }),
    MailModule.forFeature(STATUS_MAILS),
  ],
  controllers: [SubscribeController, ConsentController, TenantSubscriptionsController, IncidentsController],
  providers: [
    OneClickForms,
    StatusEvents,
    StatusHousekeeping,
    SealedTargets,
    ConsentRequest,
    UnsubscribeLinks,
    SubscribeGate,
    SubscriptionStore,
    Subscribing,
    Confirming,
    Unsubscribing,
    Incidents,
    Delivering,
    DeliveryWorker,
    DeliveryBacklog,
    ChallengeCall,
    IncidentCall,
    IncidentMail,
    WebhookRecord,
    HostResolver,
    WebhookSender,
  ],
})
export class StatusModule {}
