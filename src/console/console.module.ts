import { Module } from '@nestjs/common';
import { ConfigModule } from '../config/index.js';
import { ConsoleController } from './console.controller.js';
import { ConsoleSettings } from './console.config.js';
import { SignInHint } from './sign-in-hint.js';
import { MailPagesController } from './mail-pages/mail-pages.controller.js';

/** `/console`: the compartments, the limiter's decisions and a tenant's billing events, live; and where mails lead to. */
@Module({
  imports: [ConfigModule.forFeature(ConsoleSettings)],
  controllers: [ConsoleController, MailPagesController],
  providers: [SignInHint],
  exports: [SignInHint],
})
export class ConsoleModule {}
