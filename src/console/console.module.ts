import { Module } from '@nestjs/common';
import { ConfigModule } from '../config/index.js';
import { ConsoleController } from './console.controller.js';
import { ConsoleSettings } from './console.config.js';
import { SignInHint } from './sign-in-hint.js';
import { PageFiles } from './page-files.js';

/** `/console`: the compartments, the limiter's decisions and a tenant's billing events, live. */
@Module({
  imports: [ConfigModule.forFeature(ConsoleSettings)],
  controllers: [ConsoleController],
  providers: [PageFiles, SignInHint],
  exports: [SignInHint],
})
export class ConsoleModule {}
