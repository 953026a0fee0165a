import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { and, asc, count, eq, gt, isNull, sql as fragment } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../../database/index.js';
import { UserNotFoundError } from '../identity.errors.js';
import { type Role, invitations, memberships, tenants, users } from '../identity.tables.js';
import { SecurityEvents } from '../security-events.js';
import { type Page, isId, limitOf, within } from '../sql-scope.js';
import { tenantName } from './tenant-name.js';
import { NotInTenantError, RoleForbidsError, TenantFullError } from './tenant.errors.js';
import {
  type TenantActor,
  administerTenant,
  assertAnotherOwner,
  enterTenant,
  roleOf,
  roleOfActor,
} from './tenant-access.js';
import { isLess, mayGrant } from './tenant-rules.js';

/** A user lists all memberships at once, hence a bound. */
export const MOST_TENANTS_OF_USER = 100;
const PERSONAL_NAME = 'Personal';

export interface Membership {
  readonly tenantId: string;
  readonly name: string;
  /** Nobody but its first user was ever in it. */
  readonly personal: boolean;
  readonly role: Role;
}

export interface Member {
  readonly userId: string;
  readonly email: string;
  readonly role: Role;
  readonly since: Date;
}

/**
 * Who belongs to which tenant, as what. Every question names the tenant, and every change its actor: of a tenant that
 * the actor is no member of, nothing is to be learned, not even that it exists.
 *
 * An access token names tenant and role and holds for minutes; so whoever loses a membership or a right is logged out
 * everywhere, in the same transaction (`users.token_epoch`). Kept as security events are renames, changes of a role, and
 * ends of memberships.
 */
@Injectable()
export class Tenants {
  constructor(
    @InjectDatabase('identity') private readonly db: FeatureDatabase,
    private readonly events: SecurityEvents,
  ) {}

  /** @returns id of the tenant, whose only member is its owner */
  async createPersonal(tx: Sql, userId: string): Promise<string> {
    return await open(tx, userId, { name: PERSONAL_NAME, personal: true });
  }

  /**
   * @returns id of the tenant, whose owner the user is
   * @throws InvalidIdentityValueError where the name breaks its rules
   * @throws TenantFullError where the user is in a hundred tenants
   * @throws UserNotFoundError
   */
  async create(userId: string, name: string): Promise<string> {
    const spelling = tenantName(name);
    return await this.db.transaction(async (tx) => {
      await assertRoomForUser(tx, userId);
      return await open(tx, userId, { name: spelling, personal: false });
    });
  }

  /** Whether there is such a tenant; for who acts for the installation, never told to a user. */
  async exists(tenantId: string): Promise<boolean> {
    if (!isId(tenantId)) return false;
    const rows = await this.db.run((sql) =>
      sql.select({ id: tenants.id }).from(tenants).where(eq(tenants.id, tenantId)),
    );
    return rows.length > 0;
  }

  /** By name; a hundred at most. */
  async membershipsOf(userId: string, tx?: Sql): Promise<Membership[]> {
    if (!isId(userId)) return [];
    return await within(this.db, tx, (sql) =>
      sql
        .select({
          tenantId: tenants.id,
          name: tenants.name,
          personal: tenants.personal,
          role: memberships.role,
        })
        .from(memberships)
        .innerJoin(tenants, eq(tenants.id, memberships.tenantId))
        .where(eq(memberships.userId, userId))
        .orderBy(asc(tenants.name), asc(tenants.id))
        .limit(MOST_TENANTS_OF_USER),
    );
  }

  /**
   * By user id; every member may ask.
   *
   * @throws TenantNotFoundError
   */
  async membersOf(actor: TenantActor, page: Page = {}): Promise<Member[]> {
    return await this.db.run(async (sql) => {
      await roleOfActor(sql, actor);
      const after = page.after !== undefined && isId(page.after) ? gt(users.id, page.after) : undefined;
      return await sql
        .select({
          userId: users.id,
          email: users.email,
          role: memberships.role,
          since: memberships.createdAt,
        })
        .from(memberships)
        .innerJoin(users, eq(users.id, memberships.userId))
        .where(and(eq(memberships.tenantId, actor.tenantId), after))
        .orderBy(asc(users.id))
        .limit(limitOf(page));
    });
  }

  /** @throws TenantNotFoundError, RoleForbidsError, InvalidIdentityValueError */
  async rename(actor: TenantActor, name: string): Promise<void> {
    const spelling = tenantName(name);
    await this.db.transaction(async (tx) => {
      await administerTenant(tx, actor);
      await tx.update(tenants).set({ name: spelling }).where(eq(tenants.id, actor.tenantId));
      await this.events.record('tenant-renamed', actor.userId, { tenant: actor.tenantId }, tx);
    });
  }

  /**
   * Makes another role of a member's. Who has fewer rights afterwards is logged out.
   *
   * @returns the member's epoch that holds now; sessions of an older one are over
   * @throws TenantNotFoundError, NotInTenantError, RoleForbidsError, LastOwnerError
   */
  async changeRole(actor: TenantActor, userId: string, role: Role): Promise<number> {
    return await this.db.transaction(async (tx) => {
      const own = await administerTenant(tx, actor);
      const present = await memberRole(tx, actor.tenantId, userId);
      if (!mayGrant(own, present) || !mayGrant(own, role)) throw new RoleForbidsError();
      if (present === 'owner' && role !== 'owner') await assertAnotherOwner(tx, actor.tenantId);
      if (role !== present) {
        await tx.update(memberships).set({ role }).where(membership(actor.tenantId, userId));
        const facts = { tenant: actor.tenantId, actor: actor.userId, from: present, to: role };
        await this.events.record('role-changed', userId, facts, tx);
      }
      return await epochAfter(tx, userId, isLess(role, present) ? 1 : 0);
    });
  }

  /**
   * Ends a membership, one's own included. Open invitations of that member end with it, and the member is logged out. Whose
   * last one it was gets a personal tenant: a login is always for a tenant.
   *
   * @returns the member's epoch that holds now
   * @throws TenantNotFoundError, NotInTenantError, RoleForbidsError, LastOwnerError
   */
  async remove(actor: TenantActor, userId: string): Promise<number> {
    return await this.db.transaction(async (tx) => {
      const own = await enterTenant(tx, actor);
      const present = await memberRole(tx, actor.tenantId, userId);
      if (userId !== actor.userId && !mayGrant(own, present)) throw new RoleForbidsError();
      if (present === 'owner') await assertAnotherOwner(tx, actor.tenantId);
      await tx.delete(memberships).where(membership(actor.tenantId, userId));
      await tx
        .delete(invitations)
        .where(
          and(
            eq(invitations.tenantId, actor.tenantId),
            eq(invitations.invitedBy, userId),
            isNull(invitations.acceptedAt),
          ),
        );
      const facts = { tenant: actor.tenantId, actor: actor.userId };
      await this.events.record('member-removed', userId, facts, tx);
      const epoch = await epochAfter(tx, userId, 1);
      // After the user's row was locked: of two last memberships that end at once, one is seen to be the last.
      if ((await countOf(tx, userId)) === 0) await this.createPersonal(tx, userId);
      return epoch;
    });
  }
}

/** @throws UserNotFoundError, TenantFullError */
export async function assertRoomForUser(tx: Sql, userId: string): Promise<void> {
  // Locked, so that parallel calls count one after the other.
  const known = isId(userId)
    ? await tx.select({ id: users.id }).from(users).where(eq(users.id, userId)).for('no key update')
    : [];
  if (known.length === 0) throw new UserNotFoundError();
  if ((await countOf(tx, userId)) >= MOST_TENANTS_OF_USER)
    throw new TenantFullError('tenants', MOST_TENANTS_OF_USER);
}

/** Tenants that a user is in; holds for as long as the user's row is locked. */
async function countOf(tx: Sql, userId: string): Promise<number> {
  const [row] = await tx.select({ own: count() }).from(memberships).where(eq(memberships.userId, userId));
  return row?.own ?? 0;
}

async function open(
  tx: Sql,
  userId: string,
  values: { readonly name: string; readonly personal: boolean },
): Promise<string> {
  const tenantId = randomUUID();
  await tx.insert(tenants).values({ id: tenantId, ...values });
  await tx.insert(memberships).values({ tenantId, userId, role: 'owner' });
  return tenantId;
}

function membership(tenantId: string, userId: string) {
  return and(eq(memberships.tenantId, tenantId), eq(memberships.userId, userId));
}

async function memberRole(tx: Sql, tenantId: string, userId: string): Promise<Role> {
  const role = isId(userId) ? await roleOf(tx, tenantId, userId) : undefined;
  if (role === undefined) throw new NotInTenantError('member');
  return role;
}

/** 0 reads the epoch, 1 ends every session. */
async function epochAfter(tx: Sql, userId: string, step: 0 | 1): Promise<number> {
  const [row] = await tx
    .update(users)
    .set({ tokenEpoch: fragment`${users.tokenEpoch} + ${step}::int` })
    .where(eq(users.id, userId))
    .returning({ epoch: users.tokenEpoch });
  // A membership refers to its user, so that there is one.
  return row?.epoch ?? 0;
}
