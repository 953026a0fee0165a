import { Injectable } from '@nestjs/common';
import { type SQL, and, asc, desc, eq, isNotNull, sql as fragment } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, PreparedSelect, type Sql } from '../database/index.js';
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

const USER_ID = fragment.placeholder('userId');
const TENANT_ID = fragment.placeholder('tenantId');

const inTenant = new PreparedSelect('grant_in_tenant', (sql) =>
  grant(sql, eq(memberships.tenantId, TENANT_ID)),
);
const inFirstTenant = new PreparedSelect('grant_in_first_tenant', (sql) => grant(sql));

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
    const statement = tenantId === undefined ? inFirstTenant : inTenant;
    const [row] = await this.db.select(statement, { userId, tenantId });
    return row && { ...row, user: userOf(row.user) };
  }
}

function grant(sql: Sql, chosen?: SQL) {
  return sql
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
    .where(and(eq(users.id, USER_ID), chosen))
    .orderBy(desc(tenants.personal), asc(memberships.createdAt), asc(tenants.id))
    .limit(1);
}
