import type { JWTPayload } from 'jose';
import { ROLES, type Role } from '../identity/index.js';
import { isUuid } from '../kernel/uuid.js';

/** What an access token says, once its signature, issuer, audience and times are verified. */
export interface AccessClaims {
  /** Of the service account where `service` is set. */
  readonly userId: string;
  readonly tenantId: string;
  /** Of the user in the tenant; of a service account the least one, since its scopes say what it may. */
  readonly role: Role;
  readonly scopes: readonly string[];
  /** Of a service account: the jti, since its token is all the session it has. */
  readonly sessionId: string;
  /** `token_epoch` of the user, or of the service account, under which the session began. */
  readonly epoch: number;
  /** Of the refresh token that it was handed out with, 1 or more; undefined beside the first one of a login. */
  readonly generation?: number;
  readonly jti: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** Issued to a service account: a program that acts for a tenant. */
  readonly service?: true;
}

/** What an access token is issued for. */
export type AccessGrant = Omit<AccessClaims, 'jti' | 'expiresAtMs'>;

const SCOPE = /^[a-z][a-z0-9:._-]{0,63}$/;
const MOST_SCOPES = 40;
/** Of what AUTH_ACCESS_TOKEN_LIFE_MS may say. */
const LONGEST_LIFE_SECONDS = 3600;

/** The claims beside those that jose sets. @throws TypeError for a grant that no token could say */
export function claimsOf(grant: AccessGrant): JWTPayload {
  const { userId, tenantId, role, scopes, sessionId, epoch, generation, service } = grant;
  const payload = {
    sub: userId,
    tenant: tenantId,
    role,
    scope: scopes.join(' '),
    sid: sessionId,
    ep: epoch,
    ...(generation === undefined ? {} : { rg: generation }),
    ...(service ? { svc: service } : {}),
  };
  const readable = readClaims({ ...payload, jti: userId, iat: 0, exp: 0 });
  // Two scopes in one text would be read as two.
  if (readable?.scopes.length !== scopes.length) throw new TypeError('An access token cannot say this grant');
  return payload;
}

/** @returns undefined where a claim is missing or has another shape than we give it */
export function readClaims(payload: JWTPayload): AccessClaims | undefined {
  const { sub, tenant, role, scope, sid, ep, rg, jti, svc, iat = 0, exp = Infinity } = payload;
  if (![sub, tenant, sid, jti].every(isUuid)) return undefined;
  if (!isRole(role) || (svc !== undefined && svc !== true)) return undefined;
  if (!isCount(ep) || (rg !== undefined && !isCount(rg))) return undefined;
  const scopes = scopesOf(scope);
  if (!scopes || exp - iat > LONGEST_LIFE_SECONDS) return undefined;
  return {
    userId: sub as string,
    tenantId: tenant as string,
    role,
    scopes,
    sessionId: sid as string,
    epoch: ep,
    ...(rg === undefined ? {} : { generation: rg }),
    jti: jti as string,
    expiresAtMs: exp * 1000,
    ...(svc === true ? { service: svc } : {}),
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}

function isRole(value: unknown): value is Role {
  return ROLES.some((role) => role === value);
}

function scopesOf(scope: unknown): readonly string[] | undefined {
  if (typeof scope !== 'string') return undefined;
  const scopes = scope === '' ? [] : scope.split(' ');
  return scopes.length <= MOST_SCOPES && scopes.every((one) => SCOPE.test(one)) ? scopes : undefined;
}
