import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule } from '../config/index.js';
import { RedisModule } from '../redis/index.js';
import { AuthSettings } from './auth.config.js';
import { KnownDevices } from './devices/known-devices.js';
import { Lockout } from './lockout/lockout.js';
import { RefreshFamilies } from './refresh/refresh-families.js';
import { AttemptLimiter } from './throttle/attempt-limiter.js';
import { FlowGate } from './throttle/flow-gate.js';
import { LoginGate } from './throttle/login-gate.js';

const stores = [LoginGate, FlowGate, Lockout, KnownDevices, RefreshFamilies];

/** What logins and refreshes keep in authCache: attempts, locks, devices, families of refresh tokens. No SQL, no HTTP. */
@Module({})
export class AuthStoresModule {
  static register(): DynamicModule {
    return {
      module: AuthStoresModule,
      imports: [RedisModule.forPurpose('authCache'), ConfigModule.forFeature(AuthSettings)],
      providers: [AttemptLimiter, ...stores],
      exports: [...stores, ConfigModule.forFeature(AuthSettings)],
    };
  }
}
