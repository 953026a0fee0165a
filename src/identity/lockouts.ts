import { Injectable } from '@nestjs/common';
import { and, eq, inArray, isNotNull, lt, sql as fragment } from 'drizzle-orm';
import {
  type FeatureDatabase,
  InjectDatabase,
  PreparedSelect,
  type Sql,
  forgetRows,
} from '../database/index.js';
import { lockouts } from './identity.tables.js';
import { within } from './sql-scope.js';

export interface Lockout {
  /** Failures in a row. */
  readonly failures: number;
  /** Undefined: until a reset or an administrator lifts it. */
  readonly lockedUntil: Date | undefined;
}

export interface NewLockout extends Lockout {
  /** Nobody has the address: it is forgotten some day, though it has no end. */
  readonly nobodys?: boolean;
}

/** Asked with every login. */
const underAny = new PreparedSelect('lockouts_under_any', (sql) =>
  sql
    .select({ failures: lockouts.failures, lockedUntil: lockouts.lockedUntil })
    .from(lockouts)
    .where(fragment`${lockouts.accountDigest} = any(${fragment.placeholder('digests')})`),
);

/**
 * The high tiers of locks, so that whoever empties Redis is not given new guesses. Accounts are named by a keyed digest
 * (`KeyRing.digest`), also where no user has the address.
 */
@Injectable()
export class Lockouts {
  constructor(@InjectDatabase('identity') private readonly db: FeatureDatabase) {}

  /**
   * @param accountDigests under every key of the ring (`KeyRing.digests`)
   * @returns the strongest of them, whether it is over or not: the next failure counts from there
   */
  async find(accountDigests: readonly string[]): Promise<Lockout | undefined> {
    if (accountDigests.length === 0) return undefined;
    const rows = await this.db.select(underAny, { digests: [...accountDigests] });
    const [first, ...others] = rows.map(({ failures, lockedUntil }) => ({
      failures,
      lockedUntil: lockedUntil ?? undefined,
    }));
    return first && others.reduce(stronger, first);
  }

  /**
   * Keeps what is stronger, of what is there and what is given: writers that overtake each other weaken nothing.
   *
   * @param accountDigest under the newest key
   */
  async record(
    accountDigest: string,
    { failures, lockedUntil, nobodys = false }: NewLockout,
    tx?: Sql,
  ): Promise<void> {
    const row = { failures, lockedUntil: lockedUntil ?? null, nobodys, updatedAt: fragment`now()` };
    const held = fragment`${lockouts.lockedUntil} is null or excluded.locked_until is null`;
    await within(this.db, tx, (sql) =>
      sql
        .insert(lockouts)
        .values({ accountDigest, ...row })
        .onConflictDoUpdate({
          target: lockouts.accountDigest,
          set: {
            failures: fragment`greatest(${lockouts.failures}, excluded.failures)`,
            lockedUntil: fragment`case when ${held} then null else greatest(${lockouts.lockedUntil}, excluded.locked_until) end`,
            nobodys: fragment`${lockouts.nobodys} and excluded.nobodys`,
            updatedAt: row.updatedAt,
          },
        }),
    );
  }

  /** After a right password, a reset, or an administrator's word. @returns whether there was any */
  async lift(accountDigests: readonly string[], tx?: Sql): Promise<boolean> {
    if (accountDigests.length === 0) return false;
    const gone = await within(this.db, tx, (sql) =>
      sql
        .delete(lockouts)
        .where(inArray(lockouts.accountDigest, [...accountDigests]))
        .returning({ account: lockouts.accountDigest }),
    );
    return gone.length > 0;
  }

  /**
   * Drops locks that were over before the moment; never one that is held.
   *
   * @param most so many at once
   * @returns how many
   */
  async forgetBefore(moment: Date, most: number): Promise<number> {
    const { accountDigest: account, lockedUntil } = lockouts;
    const isOver = and(isNotNull(lockedUntil), lt(lockedUntil, moment));
    const gone = await this.db.run((sql) => {
      const some = sql.select({ account }).from(lockouts).where(isOver).limit(most);
      // Judged once more: meanwhile one of them may have been locked again.
      return sql
        .delete(lockouts)
        .where(and(inArray(account, some), isOver))
        .returning({ account });
    });
    return gone.length;
  }

  /**
   * Drops locks of addresses without an account that nothing was added to since the moment, also those that are held:
   * nobody would lift them, and there is nothing that a further guess could open.
   *
   * @param most so many at once
   * @returns how many
   */
  forgetNobodys(moment: Date, most: number): Promise<number> {
    const where = and(eq(lockouts.nobodys, true), lt(lockouts.updatedAt, moment));
    return forgetRows(this.db, { table: lockouts, primaryKey: lockouts.accountDigest, where }, most);
  }
}

function stronger(one: Lockout, other: Lockout): Lockout {
  const ends = [one.lockedUntil, other.lockedUntil].flatMap((end) => (end ? [end.getTime()] : []));
  return {
    failures: Math.max(one.failures, other.failures),
    lockedUntil: ends.length < 2 ? undefined : new Date(Math.max(...ends)),
  };
}
