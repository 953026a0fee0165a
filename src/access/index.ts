export type { AccessClaims, AccessGrant } from './access-claims.js';
export { AccessSettings } from './access.config.js';
export { Authenticated, RequireScopes, TenantOnly, requiredScopes } from './access.decorators.js';
export { REQUIRED_SCOPES, TENANT_PARAMETER } from './access.metadata.js';
export { type AccessDenial, ForbiddenError, InvalidTokenError } from './access.errors.js';
export { accessExtractors } from './access-extractors.js';
export { AccessGuard } from './access.guard.js';
export { AccessCoreModule, type EpochSource } from './access-core.module.js';
export { AccessModule } from './access.module.js';
export { AccessTokens, type IssueOptions, type IssuedToken } from './access-tokens.js';
export { EPOCHS, type EpochAuthority } from './epoch-authority.js';
export { CurrentUser, type Identity } from './identity.js';
export { maskedAddress } from './masked-address.js';
export { RequestAuthentication } from './request-authentication.js';
export { type ServiceTokenRecords, ServiceTokens } from './service-tokens.js';
export {
  type CreatedSession,
  type NewSession,
  type SessionCheck,
  type SessionView,
  Sessions,
} from './sessions.js';
export { JWKS_MAX_AGE_SECONDS, type Jwks, SigningKeys } from './signing-keys.js';
export { type ArrivalListener, TokenArrivals } from './token-arrivals.js';
export { TokenLiveness } from './token-liveness.js';
