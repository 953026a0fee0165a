import { Injectable } from '@nestjs/common';
import { and, asc, desc, eq, isNotNull } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase } from '../database/index.js';
import { type Role, administrators, memberships, tenants, users } from './identity.tables.js';
import { isId } from './sql-scope.js';
import { type User, userOf } from './users.js';

/** What an access token of a user may say now. */
export interface Grant {
  readonly user: User;
  readonly tenantId: string;
  readonly role: Role;
  /** Of the installation, not of the tenant. */
  readonly administrator: boolean;
}

/** One statement, because every refresh asks it. */
@Injectable()
export class Grants {
  constructor(@InjectDatabase('identity') private readonly db: FeatureDatabase) {}

  /**
   * @param tenantId undefined: the personal tenant, else the one that the user has been in longest
   * @returns undefined where there is no such user, or it is no member of the tenant
   */
  async find(userId: string, tenantId?: string): Promise<Grant | undefined> {
    if (!isId(userId) || (tenantId !== undefined && !isId(tenantId))) return undefined;
    const chosen = tenantId === undefined ? undefined : eq(memberships.tenantId, tenantId);
    const [row] = await this.db.run((sql) =>
      sql
        .select({
          user: users,
          tenantId: memberships.tenantId,
          role: memberships.role,
          administrator: isNotNull(administrators.userId).mapWith(Boolean),
        })
        .from(users)
        .innerJoin(memberships, eq(memberships.userId, users.id))
        .innerJoin(tenants, eq(tenants.id, memberships.tenantId))
        .leftJoin(administrators, eq(administrators.userId, users.id))
        .where(and(eq(users.id, userId), chosen))
        .orderBy(desc(tenants.personal), asc(memberships.createdAt), asc(tenants.id))
        .limit(1),
    );
    return row && { ...row, user: userOf(row.user) };
  }
}
