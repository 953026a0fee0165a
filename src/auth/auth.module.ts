import { Module } from '@nestjs/common';
import { AccessModule } from '../access/index.js';
import { AccountsModule } from './accounts/accounts.module.js';
import { AdminModule } from './admin/admin.module.js';
import { TenantsModule } from './tenants/tenants.module.js';
import { HousekeepingModule } from './housekeeping/housekeeping.module.js';
import { JwksController } from './jwks.controller.js';
import { LoginModule } from './login/login.module.js';
import { ServiceAccountsModule } from './service-accounts/service-accounts.module.js';

/** Everything about accounts that is asked over HTTP. */
@Module({
  imports: [
    AccessModule,
    AccountsModule,
    AdminModule,
    LoginModule,
    TenantsModule,
    ServiceAccountsModule,
    HousekeepingModule,
  ],
  controllers: [JwksController],
})
export class AuthModule {}
