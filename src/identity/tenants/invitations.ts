import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { and, asc, count, eq, gt, isNull } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../../database/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { type Role, invitations, memberships, tenants } from '../identity.tables.js';
import { SecurityEvents } from '../security-events.js';
import { type Page, isId, limitOf } from '../sql-scope.js';
import {
  type TenantActor,
  administerTenant,
  countMembers,
  lockTenant,
  roleOf,
  roleOfActor,
} from './tenant-access.js';
import {
  InvitationInvalidError,
  InvitedAddressUnverifiedError,
  NotInTenantError,
  RoleForbidsError,
  TenantFullError,
} from './tenant.errors.js';
import { mayAdminister, mayGrant } from './tenant-rules.js';
import { assertRoomForUser } from './tenants.js';

export const INVITATION_MS = 7 * 24 * 3_600_000;
export const MOST_OPEN_INVITATIONS = 100;
export const MOST_MEMBERS = 1000;

export interface Invitation {
  readonly id: string;
  readonly tenantId: string;
  /** Lookup spelling of the address that it was sent to. */
  readonly emailKey: string;
  readonly role: Role;
  readonly expiresAt: Date;
}

/**
 * Members join by an invitation that goes to their address. The token in that mail is a one-time token whose subject is
 * the invitation's id: it proves that the mail arrived, this class that the invitation still holds.
 */
@Injectable()
export class Invitations {
  constructor(
    @InjectDatabase('identity') private readonly db: FeatureDatabase,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * Holds for seven days, and ends an earlier one for the same address.
   *
   * @param tx the caller's, so that the mail belongs to it
   * @throws TenantNotFoundError, RoleForbidsError, TenantFullError
   */
  async invite(
    tx: Sql,
    actor: TenantActor,
    { emailKey, role }: { readonly emailKey: string; readonly role: Role },
  ): Promise<Invitation> {
    const own = await administerTenant(tx, actor);
    if (!mayGrant(own, role)) throw new RoleForbidsError();
    const { tenantId } = actor;
    await tx.delete(invitations).where(and(eq(invitations.emailKey, emailKey), this.isOpen(tenantId)));
    const [open] = await tx.select({ number: count() }).from(invitations).where(this.holds(tenantId));
    if ((open?.number ?? 0) >= MOST_OPEN_INVITATIONS) {
      throw new TenantFullError('open invitations', MOST_OPEN_INVITATIONS);
    }
    const expiresAt = new Date(this.clock.nowMs() + INVITATION_MS);
    const invitation = { id: randomUUID(), tenantId, emailKey, role, expiresAt };
    await tx.insert(invitations).values({ ...invitation, invitedBy: actor.userId });
    return invitation;
  }

  /** Those that still hold, by id. @throws TenantNotFoundError, RoleForbidsError */
  async list(actor: TenantActor, page: Page = {}): Promise<Invitation[]> {
    return await this.db.run(async (sql) => {
      if (!mayAdminister(await roleOfActor(sql, actor))) throw new RoleForbidsError();
      const after = page.after !== undefined && isId(page.after) ? gt(invitations.id, page.after) : undefined;
      return await sql
        .select(COLUMNS)
        .from(invitations)
        .where(and(this.holds(actor.tenantId), after))
        .orderBy(asc(invitations.id))
        .limit(limitOf(page));
    });
  }

  /** Kept as a security event of the actor. @throws TenantNotFoundError, RoleForbidsError, NotInTenantError */
  async withdraw(actor: TenantActor, invitationId: string): Promise<void> {
    await this.db.transaction(async (tx) => {
      await administerTenant(tx, actor);
      const gone = isId(invitationId)
        ? await tx
            .delete(invitations)
            .where(and(eq(invitations.id, invitationId), this.isOpen(actor.tenantId)))
            .returning({ id: invitations.id })
        : [];
      const [withdrawn] = gone;
      if (!withdrawn) throw new NotInTenantError('invitation');
      const facts = { tenant: actor.tenantId, invitation: withdrawn.id };
      await this.events.record('invitation-withdrawn', actor.userId, facts, tx);
    });
  }

  /**
   * Makes the invited user a member. Whoever accepts again, or is a member already, keeps the role.
   *
   * @param user who accepts, with the present address; only whoever has proven it gets in by it
   * @throws InvitationInvalidError, InvitedAddressUnverifiedError, TenantFullError
   */
  async accept(
    tx: Sql,
    invitationId: string,
    user: { readonly id: string; readonly emailKey: string; readonly verified: boolean },
  ): Promise<{ tenantId: string; role: Role }> {
    const tenantId = await this.tenantOf(tx, invitationId);
    // In the order of every other change, tenant first, so that no two of them wait for each other.
    await lockTenant(tx, tenantId);
    const [invitation] = await tx
      .select({ ...COLUMNS, acceptedAt: invitations.acceptedAt })
      .from(invitations)
      .where(and(eq(invitations.id, invitationId), eq(invitations.emailKey, user.emailKey)));
    if (!invitation) throw new InvitationInvalidError();
    const present = await roleOf(tx, tenantId, user.id);
    const again = invitation.acceptedAt !== null && present !== undefined;
    const over = invitation.acceptedAt !== null || invitation.expiresAt.getTime() <= this.clock.nowMs();
    if (over && !again) throw new InvitationInvalidError();
    if (!user.verified) throw new InvitedAddressUnverifiedError();
    if (again) return { tenantId, role: present };
    const acceptedAt = new Date(this.clock.nowMs());
    await tx.update(invitations).set({ acceptedAt }).where(eq(invitations.id, invitationId));
    if (present !== undefined) return { tenantId, role: present };
    if ((await countMembers(tx, tenantId)) >= MOST_MEMBERS)
      throw new TenantFullError('members', MOST_MEMBERS);
    await assertRoomForUser(tx, user.id);
    const { role } = invitation;
    await tx.insert(memberships).values({ tenantId, userId: user.id, role });
    await tx.update(tenants).set({ personal: false }).where(eq(tenants.id, tenantId));
    return { tenantId, role };
  }

  private async tenantOf(tx: Sql, invitationId: string): Promise<string> {
    if (!isId(invitationId)) throw new InvitationInvalidError();
    const [row] = await tx
      .select({ tenantId: invitations.tenantId })
      .from(invitations)
      .where(eq(invitations.id, invitationId));
    if (!row) throw new InvitationInvalidError();
    return row.tenantId;
  }

  private isOpen(tenantId: string) {
    return and(eq(invitations.tenantId, tenantId), isNull(invitations.acceptedAt));
  }

  private holds(tenantId: string) {
    return and(this.isOpen(tenantId), gt(invitations.expiresAt, new Date(this.clock.nowMs())));
  }
}

const COLUMNS = {
  id: invitations.id,
  tenantId: invitations.tenantId,
  emailKey: invitations.emailKey,
  role: invitations.role,
  expiresAt: invitations.expiresAt,
};
