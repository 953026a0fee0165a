import { Module } from '@nestjs/common';
import { AccessModule } from '../../access/index.js';
import { DatabaseModule } from '../../database/index.js';
import { HttpModule } from '../../http/index.js';
import { IdentityModule } from '../../identity/index.js';
import { MailModule } from '../../mail/index.js';
import { SecurityTokensModule } from '../../security-tokens/index.js';
import { AuthEventsModule } from '../auth-events.module.js';
import { AuthStoresModule } from '../auth-stores.module.js';
import { LoginModule } from '../login/login.module.js';
import { AccountTokens } from './account-tokens.js';
import { EmailChangeController, EmailController, EmailVerifyController } from './email.controller.js';
import { EmailConfirmation, EmailMails } from './email-flows.js';
import { OwnPassword } from './own-password.js';
import { PasswordAftermath } from './password-aftermath.js';
import {
  PasswordChangeController,
  PasswordConfirmController,
  PasswordForgotController,
} from './password.controller.js';
import { OldPasswordEnd, PasswordChange, PasswordReset } from './password-flows.js';
import { Registration } from './registration.js';
import { RegistrationController } from './registration.controller.js';
import { RegistrationMails } from './registration-mails.js';
import { SessionsEnd } from './sessions-end.js';
import { UniformTime } from './uniform-time.js';

/** Opening an account, and what its owner does with address and password. */
@Module({
  imports: [
    AccessModule,
    IdentityModule,
    HttpModule,
    SecurityTokensModule,
    AuthEventsModule,
    AuthStoresModule.register(),
    LoginModule,
    MailModule,
    DatabaseModule.forFeature('auth', { connections: 4 }),
  ],
  controllers: [
    RegistrationController,
    EmailController,
    EmailChangeController,
    EmailVerifyController,
    PasswordForgotController,
    PasswordConfirmController,
    PasswordChangeController,
  ],
  providers: [
    AccountTokens,
    Registration,
    RegistrationMails,
    EmailMails,
    EmailConfirmation,
    OwnPassword,
    PasswordReset,
    OldPasswordEnd,
    PasswordChange,
    PasswordAftermath,
    SessionsEnd,
    UniformTime,
  ],
  exports: [PasswordReset, SessionsEnd],
})
export class AccountsModule {}
