import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { and, asc, eq, gt, sql as fragment } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, type Sql, violatedConstraint } from '../../database/index.js';
import { NameTakenError, ServiceAccountNotFoundError } from '../identity.errors.js';
import { serviceAccounts } from '../identity.tables.js';
import { type Page, isId, limitOf, within } from '../sql-scope.js';
import { TenantNotFoundError } from '../tenants/tenant.errors.js';
import {
  assertServiceAccountName,
  isServiceAccountName,
  publicKeyPem,
  scopeList,
} from './service-account-values.js';

export interface ServiceAccount {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
  /** What it may ask for at most; sorted. */
  readonly scopes: readonly string[];
  /** Ed25519, SPKI PEM; undefined: its requests are signed by Vault Transit. */
  readonly publicKey: string | undefined;
  readonly disabled: boolean;
  /** Tokens that were issued under an older one do not hold any more. */
  readonly tokenEpoch: number;
}

export interface NewServiceAccount {
  readonly name: string;
  readonly tenantId: string;
  readonly scopes: readonly string[];
  readonly publicKey?: string | undefined;
}

/** Programs that act for a tenant. They have no password: they sign their requests for a token. */
@Injectable()
export class ServiceAccounts {
  constructor(@InjectDatabase('identity') private readonly db: FeatureDatabase) {}

  /**
   * @throws InvalidIdentityValueError where name, scopes or key break their rules
   * @throws NameTakenError, TenantNotFoundError
   */
  async create(account: NewServiceAccount, tx?: Sql): Promise<ServiceAccount> {
    assertServiceAccountName(account.name);
    const publicKey = account.publicKey === undefined ? null : publicKeyPem(account.publicKey);
    const values = { id: randomUUID(), ...account, scopes: scopeList(account.scopes), publicKey };
    if (!isId(account.tenantId)) throw new TenantNotFoundError();
    try {
      // A savepoint, so that the caller's transaction stays usable.
      const [row] = await within(this.db, tx, (sql) =>
        sql.transaction((savepoint) => savepoint.insert(serviceAccounts).values(values).returning()),
      );
      return accountOf(row as typeof serviceAccounts.$inferSelect);
    } catch (error) {
      const constraint = violatedConstraint(error);
      if (constraint === 'service_accounts_name') throw new NameTakenError();
      if (constraint?.includes('tenant')) throw new TenantNotFoundError();
      throw error;
    }
  }

  /** @param name as a signed request gives it; any text */
  async byName(name: string, tx?: Sql): Promise<ServiceAccount | undefined> {
    if (!isServiceAccountName(name)) return undefined;
    const [row] = await within(this.db, tx, (sql) =>
      sql.select().from(serviceAccounts).where(eq(serviceAccounts.name, name)).limit(1),
    );
    return row && accountOf(row);
  }

  /** Those of one tenant, by id. */
  async listOf(tenantId: string, page: Page = {}): Promise<ServiceAccount[]> {
    if (!isId(tenantId)) return [];
    const after =
      page.after !== undefined && isId(page.after) ? gt(serviceAccounts.id, page.after) : undefined;
    const rows = await this.db.run((sql) =>
      sql
        .select()
        .from(serviceAccounts)
        .where(and(eq(serviceAccounts.tenantId, tenantId), after))
        .orderBy(asc(serviceAccounts.id))
        .limit(limitOf(page)),
    );
    return rows.map(accountOf);
  }

  /** Ends every token as well. @returns the epoch that holds now. @throws ServiceAccountNotFoundError */
  async disable(accountId: string, tx?: Sql): Promise<number> {
    const { disabledAt, tokenEpoch } = serviceAccounts;
    const step = fragment`case when ${disabledAt} is null then 1 else 0 end`;
    const values = {
      disabledAt: fragment`coalesce(${disabledAt}, now())`,
      tokenEpoch: fragment`${tokenEpoch} + ${step}`,
    };
    return await this.change(accountId, values, tx);
  }

  /** Tokens that ended stay ended. @throws ServiceAccountNotFoundError */
  async enable(accountId: string, tx?: Sql): Promise<void> {
    await this.change(accountId, { disabledAt: null }, tx);
  }

  /**
   * Requests are verified by this key from now on. Ends every token as well.
   *
   * @returns the epoch that holds now
   * @throws InvalidIdentityValueError where it is no Ed25519 public key, ServiceAccountNotFoundError
   */
  async replaceKey(accountId: string, publicKey: string, tx?: Sql): Promise<number> {
    const tokenEpoch = fragment`${serviceAccounts.tokenEpoch} + 1`;
    return await this.change(accountId, { publicKey: publicKeyPem(publicKey), tokenEpoch }, tx);
  }

  private async change(
    accountId: string,
    values: Parameters<ReturnType<Sql['update']>['set']>[0],
    tx: Sql | undefined,
  ): Promise<number> {
    if (!isId(accountId)) throw new ServiceAccountNotFoundError();
    const [row] = await within(this.db, tx, (sql) =>
      sql
        .update(serviceAccounts)
        .set(values)
        .where(eq(serviceAccounts.id, accountId))
        .returning({ epoch: serviceAccounts.tokenEpoch }),
    );
    if (!row) throw new ServiceAccountNotFoundError();
    return row.epoch;
  }
}

function accountOf(row: typeof serviceAccounts.$inferSelect): ServiceAccount {
  const { id, name, tenantId, scopes, tokenEpoch } = row;
  const publicKey = row.publicKey ?? undefined;
  return { id, name, tenantId, scopes, publicKey, disabled: row.disabledAt !== null, tokenEpoch };
}
