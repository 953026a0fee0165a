import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { and, eq, isNull, sql as fragment } from 'drizzle-orm';
import {
  type FeatureDatabase,
  InjectDatabase,
  PreparedSelect,
  type Sql,
  violatedConstraint,
} from '../database/index.js';
import type { Secret } from '../kernel/redact.js';
import type { EmailAddress } from './email-address.js';
import { UserNotFoundError } from './identity.errors.js';
import { credentials, users } from './identity.tables.js';
import { isId, within } from './sql-scope.js';
import { Tenants } from './tenants/tenants.js';

export interface User {
  readonly id: string;
  /** As it was typed; mails to this account go there and nowhere else. */
  readonly email: string;
  readonly emailKey: string;
  /** Somebody who reads the mails of the address has said so. */
  readonly verified: boolean;
  readonly disabled: boolean;
  /** What began under an older one is over: sessions and access tokens. */
  readonly tokenEpoch: number;
  /** Devices that were known under an older one are strangers. */
  readonly deviceEpoch: number;
  /** Failed logins that were counted under an older one, and locks that they brought, are no more. */
  readonly lockoutEpoch: number;
  readonly createdAt: Date;
}

const SPELLING_CONSTRAINT = 'users_email_key';
/** Asked with every login. */
const withEmailKey = new PreparedSelect('user_with_email_key', (sql) =>
  sql
    .select()
    .from(users)
    .where(eq(users.emailKey, fragment.placeholder('key')))
    .limit(1),
);
/** How often a registration looks again who has the address. */
const MOST_ATTEMPTS = 3;

/**
 * Who has an account. Methods with a `tx` belong into a transaction of the caller, together with the mail that tells of
 * them; those where it may be left out take a connection of their own.
 *
 * What ends sessions grows `tokenEpoch`, which is the authority: its copy in Redis may be lost and is read anew.
 */
@Injectable()
export class Users {
  constructor(
    @InjectDatabase('identity') private readonly db: FeatureDatabase,
    private readonly tenants: Tenants,
  ) {}

  /**
   * Opens an account with a personal tenant, or finds the one that has the address: of any number of parallel calls
   * one creates it. Answer alike in both cases.
   *
   * @param phc of `Passwords.hashNew`
   */
  async register(tx: Sql, address: EmailAddress, phc: Secret): Promise<{ user: User; created: boolean }> {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
      const created = await this.open(tx, address, phc);
      const user = created ?? (await this.byEmailKey(address.key, tx));
      // Neither: whoever had the address gave it back between the two statements.
      if (user) return { user, created: user === created };
    }
    throw new Error('An address was taken and given back again and again');
  }

  /** @param key of `normalizeEmail` */
  async byEmailKey(key: string, tx?: Sql): Promise<User | undefined> {
    if (tx) return await this.find(eq(users.emailKey, key), tx);
    const [row] = await this.db.select(withEmailKey, { key });
    return row && userOf(row);
  }

  async byId(userId: string, tx?: Sql): Promise<User | undefined> {
    return isId(userId) ? await this.find(eq(users.id, userId), tx) : undefined;
  }

  /** Asks for a lock on no row, which a server that takes no writes refuses. @throws DatabaseUnavailableError */
  async assertWritable(): Promise<void> {
    await this.db.run((sql) =>
      sql
        .select({ id: users.id })
        .from(users)
        .where(fragment`false`)
        .for('share'),
    );
  }

  /** @returns undefined where there is no such user, or it is disabled: no session of it holds */
  async epochOf(userId: string): Promise<number | undefined> {
    const user = await this.byId(userId);
    return user && !user.disabled ? user.tokenEpoch : undefined;
  }

  /**
   * Ends every session and access token of the user.
   *
   * @returns the new epoch, committed unless a `tx` was given
   * @throws UserNotFoundError
   */
  async bumpEpoch(userId: string, tx?: Sql): Promise<number> {
    return await this.change(userId, { tokenEpoch: fragment`${users.tokenEpoch} + 1` }, tx);
  }

  /**
   * As `bumpEpoch`, where everything is still as it was when somebody was let in: the epoch, the address, and that the
   * account is not disabled. Between that and now may lie the seconds that a password hash waits for.
   *
   * @returns undefined where it is not, or there is no such user; then nothing was changed
   */
  async bumpEpochOf(judged: User, tx: Sql): Promise<number | undefined> {
    const { id, tokenEpoch, emailKey } = judged;
    const [row] = await tx
      .update(users)
      .set({ tokenEpoch: fragment`${users.tokenEpoch} + 1` })
      .where(
        and(
          eq(users.id, id),
          eq(users.tokenEpoch, tokenEpoch),
          eq(users.emailKey, emailKey),
          isNull(users.disabledAt),
        ),
      )
      .returning({ epoch: users.tokenEpoch });
    return row?.epoch;
  }

  /** Every device that the user has logged in with becomes a stranger, with the transaction. @throws UserNotFoundError */
  async forgetDevices(tx: Sql, userId: string): Promise<void> {
    await this.change(userId, { deviceEpoch: fragment`${users.deviceEpoch} + 1` }, tx);
  }

  /** Failed logins so far count for nothing, and no lock that they brought holds, with the transaction. @throws UserNotFoundError */
  async forgetFailures(tx: Sql, userId: string): Promise<void> {
    await this.change(userId, { lockoutEpoch: fragment`${users.lockoutEpoch} + 1` }, tx);
  }

  /**
   * Ends every session as well. A second time changes nothing.
   *
   * @returns the epoch that holds now
   * @throws UserNotFoundError
   */
  async disable(userId: string, tx?: Sql): Promise<number> {
    const disabledAt = fragment`coalesce(${users.disabledAt}, now())`;
    const tokenEpoch = fragment`${users.tokenEpoch} + case when ${users.disabledAt} is null then 1 else 0 end`;
    return await this.change(userId, { disabledAt, tokenEpoch }, tx);
  }

  /** Sessions that ended stay ended. @throws UserNotFoundError */
  async enable(userId: string, tx?: Sql): Promise<void> {
    await this.change(userId, { disabledAt: null }, tx);
  }

  /**
   * Notes that the address is the user's, if it still is the present one.
   *
   * @param emailKey the address that was proven
   * @returns false where the user has another one by now, or does not exist
   */
  async verifyEmail(tx: Sql, userId: string, emailKey: string): Promise<boolean> {
    if (!isId(userId)) return false;
    const rows = await tx
      .update(users)
      .set({ emailVerifiedAt: fragment`coalesce(${users.emailVerifiedAt}, now())` })
      .where(and(eq(users.id, userId), eq(users.emailKey, emailKey)))
      .returning({ id: users.id });
    return rows.length > 0;
  }

  /**
   * Gives the user an address that was proven before. The savepoint keeps the caller's transaction usable where
   * somebody else has the address, or takes it at this very moment.
   *
   * @returns `unknown` where there is no such user
   */
  async changeEmail(
    tx: Sql,
    userId: string,
    address: EmailAddress,
  ): Promise<'changed' | 'taken' | 'unknown'> {
    if (!isId(userId)) return 'unknown';
    try {
      const rows = await tx.transaction((savepoint) =>
        savepoint
          .update(users)
          .set({
            email: address.email,
            emailKey: address.key,
            emailVerifiedAt: fragment`now()`,
          })
          .where(eq(users.id, userId))
          .returning({ id: users.id }),
      );
      return rows.length > 0 ? 'changed' : 'unknown';
    } catch (error) {
      if (violatedConstraint(error) === SPELLING_CONSTRAINT) return 'taken';
      throw error;
    }
  }

  private async open(tx: Sql, address: EmailAddress, phc: Secret): Promise<User | undefined> {
    const id = randomUUID();
    const [row] = await tx
      .insert(users)
      .values({ id, email: address.email, emailKey: address.key })
      .onConflictDoNothing({ target: users.emailKey })
      .returning();
    if (!row) return undefined;
    await tx.insert(credentials).values({ userId: id, phc: phc.reveal() });
    await this.tenants.createPersonal(tx, id);
    return userOf(row);
  }

  private async find(where: ReturnType<typeof eq>, tx: Sql | undefined): Promise<User | undefined> {
    const [row] = await within(this.db, tx, (sql) => sql.select().from(users).where(where).limit(1));
    return row && userOf(row);
  }

  private async change(
    userId: string,
    values: Parameters<ReturnType<Sql['update']>['set']>[0],
    tx: Sql | undefined,
  ): Promise<number> {
    if (!isId(userId)) throw new UserNotFoundError();
    const [row] = await within(this.db, tx, (sql) =>
      sql.update(users).set(values).where(eq(users.id, userId)).returning({ epoch: users.tokenEpoch }),
    );
    if (!row) throw new UserNotFoundError();
    return row.epoch;
  }
}

export function userOf(row: typeof users.$inferSelect): User {
  const { id, email, emailKey, tokenEpoch, deviceEpoch, lockoutEpoch, createdAt } = row;
  const verified = row.emailVerifiedAt !== null;
  return {
    id,
    email,
    emailKey,
    verified,
    disabled: row.disabledAt !== null,
    tokenEpoch,
    deviceEpoch,
    lockoutEpoch,
    createdAt,
  };
}
