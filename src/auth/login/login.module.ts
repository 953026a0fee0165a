import { Module, type OnModuleInit } from '@nestjs/common';
import { AccessModule, TokenArrivals } from '../../access/index.js';
import { ConfigModule, PublicUrlSettings } from '../../config/index.js';
import { DatabaseModule } from '../../database/index.js';
import { HttpModule } from '../../http/index.js';
import { IdentityModule } from '../../identity/index.js';
import { MailModule } from '../../mail/index.js';
import { AuthEventsModule } from '../auth-events.module.js';
import { AUTH_MAILS } from '../auth.mails.js';
import { AuthStoresModule } from '../auth-stores.module.js';
import { Unlocking } from '../lockout/unlocking.js';
import { RefreshFamilies } from '../refresh/refresh-families.js';
import { LiveSession } from './live-session.js';
import { LoginAttempts } from './login-attempts.js';
import { Login } from './login.js';
import { Logout } from './logout.js';
import { IntrospectController, MeController } from './me.controller.js';
import { PasswordLogin } from './password-login.js';
import { RefreshCookie } from './refresh-cookie.js';
import { RefreshTheft, TheftRecord } from './refresh-theft.js';
import { Refresh } from './refresh.js';
import { LogoutController, SessionController } from './session.controller.js';
import { TokenIssuer } from './token-issuer.js';
import { TenantSwitchController, TokenController } from './token.controller.js';

/** Logins, refresh tokens and sessions over HTTP. */
@Module({
  imports: [
    AccessModule,
    IdentityModule,
    HttpModule,
    AuthEventsModule,
    AuthStoresModule.register(),
    MailModule.forFeature(AUTH_MAILS),
    DatabaseModule.forFeature('auth', { connections: 4 }),
    ConfigModule.forFeature(PublicUrlSettings),
  ],
  controllers: [
    TokenController,
    TenantSwitchController,
    SessionController,
    LogoutController,
    MeController,
    IntrospectController,
  ],
  providers: [
    Login,
    PasswordLogin,
    LoginAttempts,
    Unlocking,
    TokenIssuer,
    LiveSession,
    Refresh,
    RefreshTheft,
    TheftRecord,
    RefreshCookie,
    Logout,
  ],
  exports: [Unlocking, TokenIssuer, Logout],
})
export class LoginModule implements OnModuleInit {
  constructor(
    private readonly arrivals: TokenArrivals,
    private readonly families: RefreshFamilies,
  ) {}

  onModuleInit(): void {
    this.arrivals.heardBy((familyId, generation) => this.families.confirm(familyId, generation));
  }
}
