import { Module } from '@nestjs/common';
import { ConfigModule } from '../config/index.js';
import { RedisModule } from '../redis/index.js';
import { NonceStore } from './nonce-store.js';
import { OneTimeTokens } from './one-time-tokens.js';
import { NonceSettings, SecurityTokenPeppers } from './security-tokens.config.js';
import { SubstituteRefusal } from './substitute-refusal.js';
import { UnsubscribeTokens } from './unsubscribe-tokens.js';

/** What works once, on the purpose securityTokens: tokens that are sent to people, and nonces of signed requests. */
@Module({
  imports: [
    ConfigModule.forFeature(SecurityTokenPeppers),
    ConfigModule.forFeature(NonceSettings),
    RedisModule.forPurpose('securityTokens'),
  ],
  providers: [OneTimeTokens, NonceStore, UnsubscribeTokens, SubstituteRefusal],
  exports: [OneTimeTokens, NonceStore, UnsubscribeTokens],
})
export class SecurityTokensModule {}
