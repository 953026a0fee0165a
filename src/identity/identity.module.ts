import { Module } from '@nestjs/common';
import { ConfigModule } from '../config/index.js';
import { DatabaseModule } from '../database/index.js';
import { Administrators } from './administrators.js';
import { Grants } from './grants.js';
import { Lockouts } from './lockouts.js';
import { HashQueue } from './passwords/hash-queue.js';
import { PasswordBlocklist } from './passwords/password-blocklist.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { PasswordRules } from './passwords/password-rules.js';
import { PasswordSettings } from './passwords/password.config.js';
import { Passwords } from './passwords/passwords.js';
import { SecurityEvents } from './security-events.js';
import { ServiceAccountTokens } from './service-accounts/service-account-tokens.js';
import { ServiceAccounts } from './service-accounts/service-accounts.js';
import { StaleRecords } from './stale-records.js';
import { Invitations } from './tenants/invitations.js';
import { Tenants } from './tenants/tenants.js';
import { Users } from './users.js';

const CONNECTIONS = 4;

const doors = [
  Users,
  Grants,
  Passwords,
  Tenants,
  Invitations,
  Administrators,
  ServiceAccounts,
  ServiceAccountTokens,
  Lockouts,
  SecurityEvents,
  StaleRecords,
];

/** Who somebody is: accounts, passwords, tenants. All of it in SQL; who is logged in is the business of others. */
@Module({
  imports: [
    ConfigModule.forFeature(PasswordSettings),
    DatabaseModule.forFeature('identity', { connections: CONNECTIONS }),
  ],
  providers: [...doors, HashQueue, PasswordHasher, PasswordRules, PasswordBlocklist],
  exports: doors,
})
export class IdentityModule {}
