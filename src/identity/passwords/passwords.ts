import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { and, desc, eq, inArray, sql as fragment } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, PreparedSelect, type Sql } from '../../database/index.js';
import { AppError } from '../../kernel/errors.js';
import { Secret } from '../../kernel/redact.js';
import { Metrics } from '../../telemetry/index.js';
import { UserNotFoundError } from '../identity.errors.js';
import { credentials, passwordHistory, users } from '../identity.tables.js';
import { isId } from '../sql-scope.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordRules } from './password-rules.js';
import { passwordSpelling } from './password-policy.js';
import {
  CredentialUnreadableError,
  PasswordContentionError,
  PasswordPolicyError,
} from './password.errors.js';

/** The present password and the ones before it that may not be chosen again. */
export const REMEMBERED_PASSWORDS = 5;
/** How often a change begins anew because another one came in between. */
const MOST_ATTEMPTS = 3;
/** The id of no user, so that the same statement runs where there is none. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Asked with every login. */
const present = new PreparedSelect('present_credential', (sql) =>
  sql
    .select({ phc: credentials.phc })
    .from(credentials)
    .where(eq(credentials.userId, fragment.placeholder('userId')))
    .limit(1),
);

interface Remembered {
  readonly emailKey: string;
  /** Undefined: none was set yet. */
  readonly present: string | undefined;
  /** Newest first. */
  readonly earlier: readonly { readonly id: string; readonly phc: string }[];
}

/** The passwords of users. Each hash waits for its place in the HashQueue; no transaction is open meanwhile. */
@Injectable()
export class Passwords {
  private readonly logger = new Logger('Passwords');

  constructor(
    @InjectDatabase('identity') private readonly db: FeatureDatabase,
    private readonly hasher: PasswordHasher,
    private readonly rules: PasswordRules,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Judges and hashes the password of an account that is to be opened (`Users.register`).
   *
   * @returns PHC string
   * @throws PasswordPolicyError, OverloadedError
   */
  async hashNew(password: string, emailKey: string): Promise<Secret> {
    return new Secret(await this.hasher.hash(this.rules.judge(password, emailKey)));
  }

  /**
   * What can be said about a new password before it is known whose it is to be, so that a token which would tell is not
   * spent on it.
   *
   * @throws PasswordPolicyError
   */
  assertFit(password: string): void {
    this.rules.judge(password, undefined);
  }

  /**
   * Takes the same statements and the same hash where there is no such user. A password whose hash is outdated is
   * hashed anew when it matches.
   *
   * @param userId undefined: nobody has the address that was given
   * @throws CredentialUnreadableError where what is stored is broken: nobody typed anything wrong
   * @throws OverloadedError, DatabaseUnavailableError
   */
  async verify(userId: string | undefined, password: string): Promise<'match' | 'mismatch'> {
    const id = userId !== undefined && isId(userId) ? userId : NOBODY;
    const [row] = await this.db.select(present, { userId: id });
    const phc = row?.phc;
    const spelling = passwordSpelling(password);
    const matches =
      phc === undefined || spelling === undefined
        ? await this.hasher.pretend(spelling ?? '')
        : await this.check(id, phc, spelling);
    this.metrics.passwordChecks.inc({ outcome: matches ? 'match' : 'mismatch' });
    if (!matches) return 'mismatch';
    await this.renew(id, phc as string, spelling as string);
    return 'match';
  }

  /**
   * Gives a user a new password, and does what belongs to it in the same transaction: both are kept, or neither.
   *
   * @param alongside for instance `users.bumpEpoch(userId, tx)` and the mail that tells of it; may run again, after a
   *   ROLLBACK, when the password was changed from elsewhere in between
   * @throws PasswordPolicyError where it breaks a rule or is one of the last five
   * @throws UserNotFoundError, CredentialUnreadableError, OverloadedError, PasswordContentionError, DatabaseUnavailableError
   */
  async change<T>(
    { userId, password }: { readonly userId: string; readonly password: string },
    alongside: (tx: Sql) => Promise<T>,
  ): Promise<T> {
    if (!isId(userId)) throw new UserNotFoundError();
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
      const remembered = await this.db.run((sql) => rememberedOf(sql, userId));
      if (!remembered) throw new UserNotFoundError();
      const spelling = this.rules.judge(password, remembered.emailKey);
      await this.refuseReuse(userId, spelling, remembered);
      const phc = await this.hasher.hash(spelling);
      const done = await this.db.transaction(async (tx) =>
        (await replace(tx, userId, remembered.present, phc)) ? { result: await alongside(tx) } : undefined,
      );
      if (done) return done.result;
    }
    throw new PasswordContentionError();
  }

  /** All of them are compared, whichever matches: the time tells nothing about which. */
  private async refuseReuse(userId: string, spelling: string, remembered: Remembered): Promise<void> {
    let reused = false;
    const { present, earlier } = remembered;
    for (const phc of [...(present === undefined ? [] : [present]), ...earlier.map((entry) => entry.phc)]) {
      try {
        reused = (await this.hasher.verify(phc, spelling)) || reused;
      } catch (error) {
        if (!(error instanceof CredentialUnreadableError)) throw error;
        // What cannot be read can be nobody's way in either; only a new password gets the user out of this.
        this.alert(userId, error);
      }
    }
    if (reused) throw PasswordPolicyError.reused();
  }

  private async check(userId: string, phc: string, spelling: string): Promise<boolean> {
    try {
      return await this.hasher.verify(phc, spelling);
    } catch (error) {
      if (error instanceof CredentialUnreadableError) this.alert(userId, error);
      throw error;
    }
  }

  private alert(userId: string, { why }: CredentialUnreadableError): void {
    this.metrics.passwordChecks.inc({ outcome: 'unreadable' });
    const remedy =
      why === 'unknown-pepper'
        ? 'Its pepper is missing: put it back into PASSWORD_PEPPER behind the present one'
        : 'The row was damaged: restore it, or let the user reset the password';
    this.logger.error(`The stored password of a user cannot be read. ${remedy}.`, {
      event: 'credential_unreadable',
      user_id: userId,
      reason: why,
    });
  }

  /** Only the owner's password can be hashed anew, so this is the moment. It may fail: the old hash still holds. */
  private async renew(userId: string, phc: string, spelling: string): Promise<void> {
    if (!this.hasher.isOutdated(phc)) return;
    try {
      const renewed = await this.hasher.hash(spelling);
      await this.db.run((sql) =>
        sql
          .update(credentials)
          .set({ phc: renewed })
          .where(and(eq(credentials.userId, userId), eq(credentials.phc, phc))),
      );
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.logger.warn('A password could not be hashed anew; the next sign-in tries again.', {
        user_id: userId,
        reason: error.code,
      });
    }
  }
}

async function rememberedOf(sql: Sql, userId: string): Promise<Remembered | undefined> {
  const [row] = await sql
    .select({ emailKey: users.emailKey, phc: credentials.phc })
    .from(users)
    .leftJoin(credentials, eq(credentials.userId, users.id))
    .where(eq(users.id, userId));
  if (!row) return undefined;
  const earlier = await earlierOf(sql, userId);
  const remembered = earlier.slice(0, REMEMBERED_PASSWORDS - 1);
  return { emailKey: row.emailKey, present: row.phc ?? undefined, earlier: remembered };
}

function earlierOf(sql: Sql, userId: string): Promise<{ id: string; phc: string }[]> {
  return sql
    .select({ id: passwordHistory.id, phc: passwordHistory.phc })
    .from(passwordHistory)
    .where(eq(passwordHistory.userId, userId))
    .orderBy(desc(passwordHistory.sequence));
}

/**
 * @param present what the new one was compared with
 * @returns false where it is not the present one any more, so that the comparison is worth nothing
 */
async function replace(tx: Sql, userId: string, present: string | undefined, phc: string): Promise<boolean> {
  const values = { userId, phc, changedAt: fragment`now()` };
  if (present === undefined) {
    const made = await tx.insert(credentials).values(values).onConflictDoNothing().returning();
    return made.length > 0;
  }
  const changed = await tx
    .update(credentials)
    .set(values)
    .where(and(eq(credentials.userId, userId), eq(credentials.phc, present)))
    .returning({ userId: credentials.userId });
  if (changed.length === 0) return false;
  await tx.insert(passwordHistory).values({ id: randomUUID(), userId, phc: present });
  const forgotten = (await earlierOf(tx, userId)).slice(REMEMBERED_PASSWORDS - 1).map(({ id }) => id);
  if (forgotten.length > 0) await tx.delete(passwordHistory).where(inArray(passwordHistory.id, forgotten));
  return true;
}
