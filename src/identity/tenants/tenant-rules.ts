import type { Role } from '../identity.tables.js';

/** Whom a role may invite, and what it may make of others. Owners answer for everything, so only they make owners. */
const GRANTS: Readonly<Record<Role, readonly Role[]>> = {
  owner: ['owner', 'admin', 'member'],
  admin: ['admin', 'member'],
  member: [],
};

/** Whether somebody of the role may give another one `wanted`, or take it away. */
export function mayGrant(role: Role, wanted: Role): boolean {
  return GRANTS[role].includes(wanted);
}

export function mayAdminister(role: Role): boolean {
  return GRANTS[role].length > 0;
}

/** Whether `role` lacks a right that `than` has. */
export function isLess(role: Role, than: Role): boolean {
  return GRANTS[role].length < GRANTS[than].length;
}
