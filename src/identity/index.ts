export { Administrators } from './administrators.js';
export { type EmailAddress, normalizeEmail } from './email-address.js';
export { type Grant, Grants } from './grants.js';
export {
  InvalidIdentityValueError,
  NameTakenError,
  ServiceAccountNotFoundError,
  UserNotFoundError,
} from './identity.errors.js';
export { IdentityModule } from './identity.module.js';
export { ROLES, type Role } from './identity.tables.js';
export { type Lockout, Lockouts } from './lockouts.js';
export { LONGEST_PASSWORD, SHORTEST_PASSWORD } from './passwords/password-policy.js';
export {
  CredentialUnreadableError,
  OverloadedError,
  PasswordContentionError,
  PasswordPolicyError,
  type PasswordRule,
} from './passwords/password.errors.js';
export { Passwords, REMEMBERED_PASSWORDS } from './passwords/passwords.js';
export {
  type SecurityEvent,
  type SecurityEventKind,
  SecurityEvents,
  type SecurityFacts,
} from './security-events.js';
export {
  LONGEST_SCOPE,
  MOST_SERVICE_SCOPES,
  SERVICE_ACCOUNT_NAME,
  SERVICE_SCOPE,
} from './service-accounts/service-account-values.js';
export { type ServiceAccountToken, ServiceAccountTokens } from './service-accounts/service-account-tokens.js';
export {
  type NewServiceAccount,
  type ServiceAccount,
  ServiceAccounts,
} from './service-accounts/service-accounts.js';
export type { Page } from './sql-scope.js';
export { StaleRecords } from './stale-records.js';
export { type Invitation, INVITATION_MS, Invitations } from './tenants/invitations.js';
export type { TenantActor } from './tenants/tenant-access.js';
export {
  InvitationInvalidError,
  InvitedAddressUnverifiedError,
  LastOwnerError,
  NotInTenantError,
  RoleForbidsError,
  TenantFullError,
  TenantNotFoundError,
} from './tenants/tenant.errors.js';
export { type Member, type Membership, Tenants } from './tenants/tenants.js';
export { type User, Users } from './users.js';
