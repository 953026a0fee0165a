import { Module } from '@nestjs/common';
import { IdentityModule, Users } from '../identity/index.js';
import { AccessCoreModule } from './access-core.module.js';
import { EPOCHS } from './epoch-authority.js';

const core = AccessCoreModule.with({
  imports: [IdentityModule],
  provider: { provide: EPOCHS, useExisting: Users },
});

/** What a feature imports for `@Authenticated()` and the like, and to issue tokens and sessions: the users are those of SQL. */
@Module({ imports: [core], exports: [core] })
export class AccessModule {}
