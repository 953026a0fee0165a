import { Injectable } from '@nestjs/common';
import { and, desc, eq, gt, inArray, isNull, lt, sql as fragment } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../../database/index.js';
import { serviceAccountTokens, serviceAccounts } from '../identity.tables.js';
import { type Page, isId, limitOf, within } from '../sql-scope.js';

/** What is known of an issued token; never the token itself. */
export interface ServiceAccountToken {
  /** The claim of that name in the token. */
  readonly jti: string;
  readonly accountId: string;
  readonly scopes: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly revoked: boolean;
}

/** Which tokens were issued to service accounts, and whether one was taken back: what Redis forgets, this knows. */
@Injectable()
export class ServiceAccountTokens {
  constructor(@InjectDatabase('identity') private readonly db: FeatureDatabase) {}

  /** @param token with a `jti` that is a UUID */
  async record(token: Omit<ServiceAccountToken, 'revoked'>, tx?: Sql): Promise<void> {
    const values = { ...token, scopes: [...token.scopes] };
    await within(this.db, tx, (sql) => sql.insert(serviceAccountTokens).values(values));
  }

  /** Those that have not expired, revoked ones included; newest first. */
  async listOf(accountId: string, now: Date, page: Page = {}): Promise<ServiceAccountToken[]> {
    if (!isId(accountId)) return [];
    const { sequence, expiresAt } = serviceAccountTokens;
    const older = page.after !== undefined && isId(page.after) ? olderThan(page.after) : undefined;
    const rows = await this.db.run((sql) =>
      sql
        .select()
        .from(serviceAccountTokens)
        .where(and(eq(serviceAccountTokens.accountId, accountId), gt(expiresAt, now), older))
        .orderBy(desc(sequence))
        .limit(limitOf(page)),
    );
    return rows.map(tokenOf);
  }

  /**
   * @param accountId whose token it has to be
   * @returns false where that account has no such token; true again for one that was revoked before
   */
  async revoke(accountId: string, jti: string, tx?: Sql): Promise<boolean> {
    if (!isId(accountId) || !isId(jti)) return false;
    const rows = await within(this.db, tx, (sql) =>
      sql
        .update(serviceAccountTokens)
        .set({ revokedAt: fragment`coalesce(${serviceAccountTokens.revokedAt}, now())` })
        .where(and(eq(serviceAccountTokens.jti, jti), eq(serviceAccountTokens.accountId, accountId)))
        .returning({ jti: serviceAccountTokens.jti }),
    );
    return rows.length > 0;
  }

  /** @returns undefined for a token that was never issued, or that is forgotten. @throws DatabaseUnavailableError */
  async find(jti: string): Promise<ServiceAccountToken | undefined> {
    if (!isId(jti)) return undefined;
    const [row] = await this.db.run((sql) =>
      sql.select().from(serviceAccountTokens).where(eq(serviceAccountTokens.jti, jti)).limit(1),
    );
    return row && tokenOf(row);
  }

  /**
   * Whether a token holds: issued here, not revoked, its account not disabled. Expiry stands in the token itself.
   *
   * @returns the account's present epoch, with which the caller compares the token's; undefined where it does not hold
   */
  async epochFor(jti: string): Promise<number | undefined> {
    if (!isId(jti)) return undefined;
    const [row] = await this.db.run((sql) =>
      sql
        .select({ epoch: serviceAccounts.tokenEpoch })
        .from(serviceAccountTokens)
        .innerJoin(serviceAccounts, eq(serviceAccounts.id, serviceAccountTokens.accountId))
        .where(
          and(
            eq(serviceAccountTokens.jti, jti),
            isNull(serviceAccountTokens.revokedAt),
            isNull(serviceAccounts.disabledAt),
          ),
        ),
    );
    return row?.epoch;
  }

  /** Drops records of tokens that expired before the moment. @param most so many at once @returns how many */
  async forgetBefore(moment: Date, most: number): Promise<number> {
    const { jti, expiresAt } = serviceAccountTokens;
    const gone = await this.db.run((sql) => {
      const some = sql.select({ jti }).from(serviceAccountTokens).where(lt(expiresAt, moment)).limit(most);
      return sql.delete(serviceAccountTokens).where(inArray(jti, some)).returning({ jti });
    });
    return gone.length;
  }
}

/** Compared by the server: its moments are finer than a Date. */
function olderThan(last: string) {
  const { sequence, jti } = serviceAccountTokens;
  return lt(sequence, fragment`(select ${sequence} from ${serviceAccountTokens} where ${eq(jti, last)})`);
}

function tokenOf(row: typeof serviceAccountTokens.$inferSelect): ServiceAccountToken {
  const { jti, accountId, scopes, issuedAt, expiresAt } = row;
  return { jti, accountId, scopes, issuedAt, expiresAt, revoked: row.revokedAt !== null };
}
