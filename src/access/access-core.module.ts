import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { ConfigModule } from '../config/index.js';
import { RedisModule } from '../redis/index.js';
import { AccessSettings } from './access.config.js';
import { AccessGuard } from './access.guard.js';
import { AccessTokens } from './access-tokens.js';
import { EpochMirror } from './epoch-mirror.js';
import { OwedEpochs } from './owed-epochs.js';
import { OwedEpochsPayer } from './owed-epochs.payer.js';
import { SessionClientSeal } from './session-client.js';
import { RequestAuthentication } from './request-authentication.js';
import { ServiceTokens } from './service-tokens.js';
import { SessionLookUps } from './session-look-ups.js';
import { SessionStore } from './session-store.js';
import { Sessions } from './sessions.js';
import { SigningKeys } from './signing-keys.js';
import { TokenArrivals } from './token-arrivals.js';
import { TokenLiveness } from './token-liveness.js';

/** Where the epochs come from: a module, and the provider of EPOCHS. */
export interface EpochSource {
  readonly imports: NonNullable<DynamicModule['imports']>;
  readonly provider: Provider;
}

/** Access tokens, sessions and the guard that asks for them, on the purpose authCache, whoever keeps the epochs. */
@Module({})
export class AccessCoreModule {
  static with({ imports, provider }: EpochSource): DynamicModule {
    return {
      module: AccessCoreModule,
      imports: [
        RedisModule.forPurpose('authCache'),
        RedisModule.forInspection(),
        ConfigModule.forFeature(AccessSettings),
        ...imports,
      ],
      providers: [
        provider,
        SigningKeys,
        AccessTokens,
        SessionClientSeal,
        OwedEpochs,
        EpochMirror,
        OwedEpochsPayer,
        SessionLookUps,
        SessionStore,
        Sessions,
        ServiceTokens,
        TokenArrivals,
        TokenLiveness,
        RequestAuthentication,
        AccessGuard,
      ],
      exports: [
        SigningKeys,
        AccessTokens,
        Sessions,
        ServiceTokens,
        TokenArrivals,
        TokenLiveness,
        RequestAuthentication,
        AccessGuard,
        ConfigModule.forFeature(AccessSettings),
      ],
    };
  }
}
