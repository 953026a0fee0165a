import { Module } from '@nestjs/common';
import { DatabaseModule } from '../database/index.js';
import { IdentityModule } from '../identity/index.js';
import { AuthEvents } from './auth-events.js';
import { RecordedActs } from './recorded-acts.js';

/** What is told of acts on identities: to the log, and to SQL. */
@Module({
  imports: [IdentityModule, DatabaseModule.forFeature('auth', { connections: 4 })],
  providers: [AuthEvents, RecordedActs],
  exports: [AuthEvents, RecordedActs],
})
export class AuthEventsModule {}
