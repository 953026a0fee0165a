import { Module } from '@nestjs/common';
import { AccessModule } from '../../access/index.js';
import { IdentityModule } from '../../identity/index.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { AuthEventsModule } from '../auth-events.module.js';
import { LoginModule } from '../login/login.module.js';
import { AdminActs } from './admin-acts.js';
import { AdminController } from './admin.controller.js';
import { AdminPowers } from './admin-powers.js';

/** Administration of accounts. */
@Module({
  imports: [AccessModule, IdentityModule, AccountsModule, LoginModule, AuthEventsModule],
  controllers: [AdminController],
  providers: [AdminActs, AdminPowers],
})
export class AdminModule {}
