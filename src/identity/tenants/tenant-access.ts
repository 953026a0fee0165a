import { and, count, eq } from 'drizzle-orm';
import type { Sql } from '../../database/index.js';
import { type Role, memberships, tenants } from '../identity.tables.js';
import { isId } from '../sql-scope.js';
import { LastOwnerError, RoleForbidsError, TenantNotFoundError } from './tenant.errors.js';
import { mayAdminister } from './tenant-rules.js';

/** Who does something in which tenant. */
export interface TenantActor {
  readonly tenantId: string;
  readonly userId: string;
}

/** @throws TenantNotFoundError where the actor is no member */
export async function roleOfActor(sql: Sql, { tenantId, userId }: TenantActor): Promise<Role> {
  const role = isId(tenantId) && isId(userId) ? await roleOf(sql, tenantId, userId) : undefined;
  if (role === undefined) throw new TenantNotFoundError();
  return role;
}

/**
 * The actor's role in the tenant, whose row is locked until the transaction ends: what is counted or compared
 * afterwards (owners, members) holds until then, whatever others do at the same time.
 *
 * @throws TenantNotFoundError where the actor is no member
 */
export async function enterTenant(tx: Sql, actor: TenantActor): Promise<Role> {
  if (isId(actor.tenantId)) await lockTenant(tx, actor.tenantId);
  return await roleOfActor(tx, actor);
}

/** @throws TenantNotFoundError, RoleForbidsError where the actor does not administer the tenant */
export async function administerTenant(tx: Sql, actor: TenantActor): Promise<Role> {
  const role = await enterTenant(tx, actor);
  if (!mayAdminister(role)) throw new RoleForbidsError();
  return role;
}

/** Against other changes of the tenant; what only refers to it does not wait. */
export async function lockTenant(tx: Sql, tenantId: string): Promise<void> {
  await tx.select({ id: tenants.id }).from(tenants).where(eq(tenants.id, tenantId)).for('no key update');
}

export async function roleOf(sql: Sql, tenantId: string, userId: string): Promise<Role | undefined> {
  const [row] = await sql
    .select({ role: memberships.role })
    .from(memberships)
    .where(and(eq(memberships.tenantId, tenantId), eq(memberships.userId, userId)));
  return row?.role;
}

export async function countMembers(tx: Sql, tenantId: string, role?: Role): Promise<number> {
  const ofRole = role === undefined ? undefined : eq(memberships.role, role);
  const [row] = await tx
    .select({ members: count() })
    .from(memberships)
    .where(and(eq(memberships.tenantId, tenantId), ofRole));
  return row?.members ?? 0;
}

/** @throws LastOwnerError; expects the tenant to be locked */
export async function assertAnotherOwner(tx: Sql, tenantId: string): Promise<void> {
  if ((await countMembers(tx, tenantId, 'owner')) <= 1) throw new LastOwnerError();
}
