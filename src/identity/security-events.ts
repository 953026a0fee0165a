import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { and, desc, eq, lt, sql as fragment } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../database/index.js';
import { securityEvents, users } from './identity.tables.js';
import { type Page, isId, limitOf, within } from './sql-scope.js';

/** Closed, because alerts are made of these words. */
export type SecurityEventKind =
  | 'refresh-reuse'
  | 'account-locked'
  | 'account-unlocked'
  | 'account-disabled'
  | 'account-enabled'
  | 'sessions-revoked'
  | 'password-changed'
  | 'password-reset'
  | 'password-reset-started'
  | 'email-verified'
  | 'email-changed'
  | 'administrator-granted'
  | 'administrator-revoked'
  | 'tenant-renamed'
  | 'role-changed'
  | 'member-removed'
  | 'invitation-withdrawn'
  | 'service-account-created'
  | 'service-account-disabled'
  | 'service-account-enabled'
  | 'service-account-key-replaced'
  | 'service-account-token-revoked';

/** Ids, numbers and fixed words: no address, no token, no text that a caller chose. */
export type SecurityFacts = Readonly<Record<string, string | number | boolean>>;

export interface SecurityEvent {
  readonly id: string;
  readonly kind: string;
  readonly facts: SecurityFacts;
  readonly at: Date;
}

const MOST_FACTS = 16;
const LONGEST_FACT = 200;
const WORD = /^[\w.:/ -]*$/;

/** What an investigation asks for later. Kept until the user is deleted. */
@Injectable()
export class SecurityEvents {
  constructor(@InjectDatabase('identity') private readonly db: FeatureDatabase) {}

  /**
   * @param userId undefined: nobody's, such as a lock of an unknown account
   * @param tx the caller's, where the event is part of a change
   * @throws RangeError where a fact is no id and no word: a programming error
   */
  async record(
    kind: SecurityEventKind,
    userId: string | undefined,
    facts: SecurityFacts = {},
    tx?: Sql,
  ): Promise<void> {
    assertFacts(facts);
    await within(this.db, tx, (sql) =>
      sql.insert(securityEvents).values({ id: randomUUID(), kind, userId: userId ?? null, facts }),
    );
  }

  /**
   * Unless the user has one with the same facts: of calls at the same time, one writes it.
   *
   * @returns whether it was written
   * @throws as `record`
   */
  async recordOnce(tx: Sql, kind: SecurityEventKind, userId: string, facts: SecurityFacts): Promise<boolean> {
    assertFacts(facts);
    await tx.select({ id: users.id }).from(users).where(eq(users.id, userId)).for('no key update');
    const same = fragment`${securityEvents.facts} = ${JSON.stringify(facts)}::jsonb`;
    const known = await tx
      .select({ id: securityEvents.id })
      .from(securityEvents)
      .where(and(eq(securityEvents.userId, userId), eq(securityEvents.kind, kind), same))
      .limit(1);
    if (known.length > 0) return false;
    await this.record(kind, userId, facts, tx);
    return true;
  }

  /** Newest first. */
  async listOf(userId: string, page: Page = {}): Promise<SecurityEvent[]> {
    if (!isId(userId)) return [];
    const { id, kind, facts, createdAt, sequence } = securityEvents;
    return await this.db.run(async (sql) => {
      const before = page.after !== undefined && isId(page.after) ? olderThan(page.after) : undefined;
      return await sql
        .select({ id, kind, facts, at: createdAt })
        .from(securityEvents)
        .where(and(eq(securityEvents.userId, userId), before))
        .orderBy(desc(sequence))
        .limit(limitOf(page));
    });
  }
}

function olderThan(eventId: string) {
  const { id, sequence } = securityEvents;
  return lt(sequence, fragment`(select ${sequence} from ${securityEvents} where ${eq(id, eventId)})`);
}

function assertFacts(facts: SecurityFacts): void {
  const entries = Object.entries(facts);
  const fits = (fact: string | number | boolean) =>
    typeof fact !== 'string' || (fact.length <= LONGEST_FACT && WORD.test(fact));
  if (entries.length > MOST_FACTS || !entries.every(([name, fact]) => WORD.test(name) && fits(fact))) {
    throw new RangeError('The facts of a security event are ids, numbers and fixed words');
  }
}
