import { Injectable } from '@nestjs/common';
import { and, eq, inArray, isNotNull, lt, sql as fragment } from 'drizzle-orm';
import {
  type FeatureDatabase,
  InjectDatabase,
  PreparedSelect,
  type Sql,
  forgetRows,
} from '../database/index.js';
import { lockouts, users } from './identity.tables.js';
import { within } from './sql-scope.js';

export interface Lockout {
  /** Failures in a row. */
  readonly failures: number;
  /** Undefined: until a reset or an administrator lifts it. */
  readonly lockedUntil: Date | undefined;
}

/** Whom a lock keeps out. */
export interface LockedUser {
  readonly id: string;
  /** Under which the failures were counted. */
  readonly lockoutEpoch: number;
}

export interface NewLockout extends Lockout {
  /** Undefined: nobody has the address, and the lock is forgotten some day, though it has no end. */
  readonly user: LockedUser | undefined;
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
   * Of a user only under the present epoch: a login that is under way while the lock is lifted would leave a row that
   * nobody asks for or lifts. One that is being lifted at this moment is waited for.
   *
   * @param accountDigest under the newest key
   * @returns false where the failures were forgotten meanwhile, and nothing is kept
   */
  async record(accountDigest: string, { user, failures, lockedUntil }: NewLockout): Promise<boolean> {
    const row = { accountDigest, failures, lockedUntil: lockedUntil ?? null };
    const kept = await this.db.run((sql) => {
      const insert = sql.insert(lockouts);
      const inserted = user
        ? insert.select(ofUser(sql, row, user))
        : insert.values({ ...row, nobodys: true, updatedAt: NOW });
      return inserted
        .onConflictDoUpdate({ target: lockouts.accountDigest, set: STRONGER })
        .returning({ account: lockouts.accountDigest });
    });
    return kept.length > 0;
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

const NOW = fragment<Date>`now()`;
const isHeld = fragment`${lockouts.lockedUntil} is null or excluded.locked_until is null`;
/** Of the row that is there and the one that is given. */
const STRONGER = {
  failures: fragment`greatest(${lockouts.failures}, excluded.failures)`,
  lockedUntil: fragment`case when ${isHeld} then null else greatest(${lockouts.lockedUntil}, excluded.locked_until) end`,
  nobodys: fragment`${lockouts.nobodys} and excluded.nobodys`,
  updatedAt: NOW,
};

type Row = Pick<typeof lockouts.$inferSelect, 'accountDigest' | 'failures' | 'lockedUntil'>;

/** The row, if the user has the epoch. Whoever is about to end that one is waited for. */
function ofUser(sql: Sql, { accountDigest, failures, lockedUntil }: Row, { id, lockoutEpoch }: LockedUser) {
  const until = lockedUntil?.toISOString() ?? null;
  return sql
    .select({
      accountDigest: fragment<string>`${accountDigest}::text`.as('account_digest'),
      failures: fragment<number>`${failures}::integer`.as('failures'),
      lockedUntil: fragment<Date | null>`${until}::timestamptz`.as('locked_until'),
      nobodys: fragment<boolean>`false`.as('nobodys'),
      updatedAt: NOW.as('updated_at'),
    })
    .from(users)
    .where(and(eq(users.id, id), eq(users.lockoutEpoch, lockoutEpoch)))
    .for('share');
}

function stronger(one: Lockout, other: Lockout): Lockout {
  const ends = [one.lockedUntil, other.lockedUntil].flatMap((end) => (end ? [end.getTime()] : []));
  return {
    failures: Math.max(one.failures, other.failures),
    lockedUntil: ends.length < 2 ? undefined : new Date(Math.max(...ends)),
  };
}
