import type { Grant, Role } from '../identity/index.js';

/** What a member of a tenant may do in it, by role. */
const ROLE_SCOPES: Readonly<Record<Role, readonly string[]>> = {
  owner: ['tenant:manage', 'billing:read', 'billing:manage', 'status:manage'],
  admin: ['tenant:manage', 'billing:read', 'status:manage'],
  member: ['billing:read'],
};

/** What administrators of the installation may do beside that, in no tenant in particular. */
const ADMINISTRATOR_SCOPES = ['users:admin', 'service-accounts:admin', 'tokens:introspect'] as const;

/** Every scope that somebody can have without a feature. */
export const HOUSE_SCOPES: readonly string[] = [...ROLE_SCOPES.owner, ...ADMINISTRATOR_SCOPES];

/**
 * The scopes of an access token. Whoever has not proven the address yet may look after the own account only: nobody
 * gets into a tenant with an address of somebody else.
 */
export function scopesOf({ user, role, administrator }: Grant): readonly string[] {
  if (!user.verified) return [];
  return [...ROLE_SCOPES[role], ...(administrator ? ADMINISTRATOR_SCOPES : [])];
}
