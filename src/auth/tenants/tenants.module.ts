import { Module } from '@nestjs/common';
import { AccessModule } from '../../access/index.js';
import { DatabaseModule } from '../../database/index.js';
import { HttpModule } from '../../http/index.js';
import { IdentityModule } from '../../identity/index.js';
import { MailModule } from '../../mail/index.js';
import { SecurityTokensModule } from '../../security-tokens/index.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { AuthEventsModule } from '../auth-events.module.js';
import { AuthStoresModule } from '../auth-stores.module.js';
import { InvitationAcceptance } from './invitation-acceptance.js';
import { InvitationFlow, InvitationLetters } from './invitation-flow.js';
import { AcceptController, InvitationsController } from './invitations.controller.js';
import { MembersController, TenantsController } from './tenants.controller.js';

/** Tenants, their members, and how one becomes a member. */
@Module({
  imports: [
    AccessModule,
    IdentityModule,
    HttpModule,
    SecurityTokensModule,
    AuthEventsModule,
    AuthStoresModule.register(),
    AccountsModule,
    MailModule,
    DatabaseModule.forFeature('auth', { connections: 4 }),
  ],
  controllers: [TenantsController, MembersController, InvitationsController, AcceptController],
  providers: [InvitationFlow, InvitationLetters, InvitationAcceptance],
})
export class TenantsModule {}
