import { Module, type OnModuleInit } from '@nestjs/common';
import { AccessModule, ServiceTokens } from '../../access/index.js';
import { ConfigModule } from '../../config/index.js';
import { HttpModule } from '../../http/index.js';
import { IdentityModule } from '../../identity/index.js';
import { RedisModule } from '../../redis/index.js';
import { SecurityTokensModule } from '../../security-tokens/index.js';
import { AuthEventsModule } from '../auth-events.module.js';
import { AuthStoresModule } from '../auth-stores.module.js';
import { RequestJudge } from './request-judge.js';
import { ServiceAccountLifecycle } from './service-account-lifecycle.js';
import { ServiceAccountRegister } from './service-account-register.js';
import { ServiceAccountController, ServiceAccountsController } from './service-accounts.controller.js';
import { ServiceTokenController, ServiceTokensController } from './service-token.controller.js';
import { ServiceTokenIssuer } from './service-token-issuer.js';
import { ServiceTokenRevocation } from './service-token-revocation.js';
import { Signatures } from './signatures.js';
import { SignerNonces } from './signer-nonces.js';
import { TokenRecordCache } from './token-record-cache.js';
import { TokenRequests } from './token-requests.js';
import { VaultTransit } from './vault-transit.js';
import { VaultSettings } from './vault.config.js';

/** Programs that sign their requests for a token: their accounts, their tokens, and whether one of these holds. */
@Module({
  imports: [
    AccessModule,
    IdentityModule,
    HttpModule,
    SecurityTokensModule,
    AuthEventsModule,
    AuthStoresModule.register(),
    RedisModule.forPurpose('authCache'),
    ConfigModule.forFeature(VaultSettings),
  ],
  controllers: [
    ServiceTokenController,
    ServiceTokensController,
    ServiceAccountsController,
    ServiceAccountController,
  ],
  providers: [
    VaultTransit,
    Signatures,
    RequestJudge,
    ServiceTokenIssuer,
    TokenRequests,
    TokenRecordCache,
    ServiceAccountRegister,
    ServiceAccountLifecycle,
    ServiceTokenRevocation,
    SignerNonces,
  ],
})
export class ServiceAccountsModule implements OnModuleInit {
  constructor(
    private readonly services: ServiceTokens,
    private readonly records: TokenRecordCache,
  ) {}

  onModuleInit(): void {
    this.services.keptBy(this.records);
  }
}
